import Glibc
import MusterCore
import MusterSystem

/// A program that answers JSON lines with JSON lines, one at a time. Belongs to its loop's thread.
final class ProgramLine {
    enum Result {
        case answer(Value)
        case notStarted(Int32)
        case lost(Int32)
        case timeout
    }

    private let argv: [String]
    private let loop: EventLoop
    private var process: SessionProcess?
    private var input: Descriptor?
    private var output: Descriptor?
    private var lines = JSONLines()
    private var outgoing: [UInt8] = []
    private var lastID: Int64 = 0
    private var done: ((Result) -> Void)?
    private var patience: Patience?

    init(_ argv: [String], _ loop: EventLoop) {
        self.argv = argv
        self.loop = loop
    }

    deinit { close() }

    /// Starts the program before it is needed, so that the first write does not wait for it.
    func prepare() { _ = start() }

    func ask(_ request: [String: Value], until deadline: Instant, done: @escaping (Result) -> Void) {
        precondition(self.done == nil, "one request at a time")
        let code = start()
        if code != 0 { return done(.notStarted(code)) }
        lastID += 1
        self.done = done
        patience = Patience(deadline - monotonicNow(), on: loop) { [unowned self] end in
            finish(end == .timeout ? .timeout : .lost(end.code))
        }
        var request = request
        request["id"] = .int(lastID)
        outgoing += Array(Value.map(request).canonicalJSON.utf8) + [UInt8(ascii: "\n")]
        flush()
    }

    private func start() -> Int32 {
        if process != nil { return 0 }
        do {
            let (childInput, ourInput) = try Descriptor.pipe()
            let (ourOutput, childOutput) = try Descriptor.pipe()
            try ourInput.setNonblocking()
            try ourOutput.setNonblocking()
            process = try SessionProcess(argv, loop: loop) {
                $0.input = .descriptor(childInput.number)
                $0.output = .descriptor(childOutput.number)
            } ended: { [weak self] _ in
                // What it said before it ended comes first.
                self?.readOutput()
                self?.process = nil
                self?.lose(SampleCode.endOfStream)
            }
            input = ourInput
            output = ourOutput
            lines = JSONLines()
            outgoing = []
            loop.watch(ourOutput.number, .read) { [weak self] _ in self?.readOutput() }
            return 0
        } catch let error as SystemError {
            return error.code
        } catch {
            return ENOEXEC
        }
    }

    private func flush() {
        guard let input else { return }
        while !outgoing.isEmpty {
            do {
                guard let taken = try input.write(some: outgoing[...]) else {
                    patience?.advance()
                    return loop.watch(input.number, .write) { [weak self] _ in self?.flush() }
                }
                outgoing.removeFirst(taken)
            } catch {
                break
            }
        }
        loop.unwatch(input.number)
        patience?.advance()
    }

    private func readOutput() {
        patience?.advance()
        while let output {
            switch try? output.read(upTo: 65_536) {
            case .bytes(let bytes):
                guard let values = lines.add(bytes) else { return lose(SampleCode.protocolViolation) }
                for value in values {
                    guard let value else { return lose(SampleCode.protocolViolation) }
                    if value["id"]?.asInt == lastID { finish(.answer(value)) }
                }
            case .wouldBlock: return
            case .end, nil: return lose(SampleCode.endOfStream)
            }
        }
    }

    private func lose(_ code: Int32) {
        if done != nil { finish(.lost(code)) } else { close() }
    }

    private func finish(_ result: Result) {
        patience?.cancel()
        patience = nil
        let done = self.done
        self.done = nil
        if case .answer = result {
        } else {
            // A program that is behind would answer the wrong question next.
            close()
        }
        done?(result)
        if case .timeout = result { prepare() }
    }

    func close() {
        if let input { loop.unwatch(input.number) }
        if let output { loop.unwatch(output.number) }
        input = nil
        output = nil
        process?.killSession()
        process = nil
    }
}
