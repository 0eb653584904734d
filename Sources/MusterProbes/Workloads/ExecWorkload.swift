public import MusterCore
public import MusterDrills

/// Writes through a program of the user's own, which speaks JSON lines on its standard streams.
///
/// One process is started for each writer, in a session of its own, before the first write, and again after it
/// ended or was ended. It reads one request a line from its standard input and answers each with one line on its
/// standard output; its standard error goes to `/dev/null`. There is one request at a time. At the end of the run
/// its input ends, and its session is killed.
///
///     {"id":1,"op":"put","key":"muster-01J…-3-17","value":"3.17.abc….89abcdef"}
///     {"id":1,"ok":true}                  kept; muster may hold the store to it
///     {"id":1,"ok":true,"warning":"…"}    kept, with a reservation: counted apart
///     {"id":1,"fail":"why"}               certainly not kept
///     {"id":1,"info":"why"}               unknown: timeout, lost connection
///     {"id":2,"op":"get","key":"muster-01J…-3-17"}
///     {"id":2,"ok":true,"value":"…"}      what is there; null when nothing is; "count":2 when it is there twice
///     {"id":2,"fail":"why"}               could not be read
///     {"id":3,"op":"list","prefix":"muster-01J…-"}
///     {"id":3,"ok":true,"keys":["…"]}     every key there with that prefix
///     {"id":3,"fail":"unsupported"}       the store cannot tell; looking for phantoms is left out
///
/// Strings hold printable ASCII. Answers to other ids, and unknown fields, are ignored. A program that does not
/// answer in time, answers with what is not JSON, or ends, leaves its write in doubt; its whole session is killed.
/// **The program must not try again by itself**, and must say `ok` only for what its store has acknowledged.
public struct ExecWorkload: Workload, Hashable {
    public var exec: [String] = []
    public init() {}

    public static let form = Form(
        "exec",
        "Writes entries through a program of your own, which speaks JSON lines (docs/EXEC_WORKLOAD.md).",
        example: "orders: { exec: [python3, drills/orders.py], writers: 4, rate: 40/s }",
        blank: ExecWorkload(),
        fields: [
            Field(
                required: "exec", \.exec,
                "The program and its arguments; no shell is involved; it is started once for each writer.",
                in: { $0.first?.isEmpty == false ? nil : "a list of a program and its arguments" })
        ])
}

extension ExecWorkload: RunnableWorkload {
    func client(on loop: EventLoop, names: KeyNames) throws -> any StoreClient { ExecStore(exec, loop) }
}

private final class ExecStore: StoreClient {
    private let line: ProgramLine
    let readBatch = 1

    init(_ argv: [String], _ loop: EventLoop) {
        line = ProgramLine(argv, loop)
        line.prepare()
    }

    func put(
        _ key: String, _ value: String, until deadline: Instant, done: @escaping (WriteAnswer) -> Void
    ) {
        line.ask(["op": "put", "key": .text(key), "value": .text(value)], until: deadline) { result in
            switch result {
            case .answer(let answer) where answer["ok"]?.asBool == true:
                var kept = WriteAnswer.acknowledged()
                if answer["warning"] != nil { kept.outcome = .okWithWarning }
                done(kept)
            case .answer(let answer) where answer["fail"] != nil: done(.refused(SampleCode.refusedByServer))
            case .answer: done(.inDoubt(SampleCode.refusedByServer))
            case .notStarted(let code): done(.refused(code))
            case .lost(let code): done(.inDoubt(code))
            case .timeout: done(.noAnswer)
            }
        }
    }

    func get(_ wanted: [Wanted], until deadline: Instant, done: @escaping ([ReadAnswer]) -> Void) {
        let wanted = wanted[0]
        line.ask(["op": "get", "key": .text(wanted.key)], until: deadline) { result in
            guard case .answer(let answer) = result, answer["ok"]?.asBool == true, let value = answer["value"]
            else { return done([.failed(Self.problem(result))]) }
            switch value {
            case .null: done([.absent])
            default:
                let count = Int(answer["count"]?.asInt ?? 1)
                done([.present(isIntact: value.asText == wanted.value, count: max(1, count))])
            }
        }
    }

    func list(_ prefix: String, until deadline: Instant, done: @escaping (ListAnswer) -> Void) {
        line.ask(["op": "list", "prefix": .text(prefix)], until: deadline) { result in
            if case .answer(let answer) = result {
                if let keys = answer["keys"]?.asList { return done(.keys(keys.compactMap(\.asText))) }
                if answer["fail"]?.asText == "unsupported" { return done(.unsupported) }
            }
            done(.failed(Self.problem(result)))
        }
    }

    func close() { line.close() }

    private static func problem(_ result: ProgramLine.Result) -> String {
        switch result {
        case .answer(let answer):
            answer["fail"]?.asText ?? answer["info"]?.asText ?? "an answer without ok, fail or info"
        case .notStarted(let code), .lost(let code): SampleCode.inWords(code)
        case .timeout: "no answer in time"
        }
    }
}
