import MusterCore
import MusterDocuments
import MusterDrills
import Testing

/// Hand-made ledgers as Jepsen's histories.
@Suite struct JepsenHistoryTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }
    private func entry(
        _ stream: Int32, _ sequence: Int64, _ sent: Int64, _ finished: Int64?,
        _ outcome: LedgerEntry.Outcome
    ) -> LedgerEntry {
        LedgerEntry(
            key: EntryKey(stream: stream, sequence: sequence), sent: at(sent), finished: finished.map(at),
            outcome: outcome)
    }

    private func lines(_ history: JepsenHistory) -> [String] {
        var lines: [String] = []
        let count = history.write { lines.append($0) }
        #expect(count == lines.count)
        return lines
    }

    /// Two writers; a write in doubt, one refused, one that never ended; a kill; a last pass that misses, damages
    /// and doubles.
    private var history: JepsenHistory {
        let entries = [
            entry(0, 1, 1000, 1010, .ok), entry(0, 2, 1020, 1040, .info),
            entry(0, 3, 1050, 1060, .okWithWarning),
            entry(1, 1, 1005, 1012, .fail), entry(1, 2, 1025, nil, .pending), entry(1, 3, 1060, 1070, .ok),
        ]
        let runs = [
            ReadRun(stream: 0, numbers: 1...1, state: .intact, count: 2),
            ReadRun(stream: 0, numbers: 2...4, state: .absent),
            ReadRun(stream: 1, numbers: 1...1, state: .unread),
            ReadRun(stream: 1, numbers: 2...3, state: .damaged),
            ReadRun(stream: 7, numbers: 9...9, state: .intact),
        ]
        let killed = Event(
            .injected, at: at(1036), utc: 0, bracket: Bracket(at(1030), at(1035)), subject: "crash \"A\"",
            text: "", detail: ["fault": "process-kill"])
        let lifted = Event(
            .undone, at: at(1045), utc: 0, bracket: Bracket(at(1041), at(1044)), subject: "crash \"A\"",
            text: "")
        let noise = Event(.undone, at: at(1045), utc: 0, subject: "scratch", text: "")
        let reading = JepsenHistory.Reading(node: nil, time: Bracket(at(2000), at(2100)), runs: runs)
        return JepsenHistory(
            start: at(900),
            workloads: [JepsenHistory.Workload(name: "kv", entries: entries, readings: [reading])],
            events: [killed, lifted, noise])
    }

    @Test func golden() throws {
        let text = lines(history).joined(separator: "\n") + "\n"
        #expect(text == (try FixtureFiles.golden("golden/history.edn", recording: text)))
    }

    /// What any reader of EDN makes of it, and what Jepsen asks of a history.
    @Test func isAHistory() throws {
        let operations = try lines(history).map { try EDNReader.read($0) }
        check(operations)
        #expect(operations.count == 11 + 4 + 14)
        let writes = operations.filter { $0[":type"] == .keyword("ok") && "\($0)".contains("keyword(\"w\")") }
        #expect(writes.count == 3)
    }

    /// One writer, whose writes go to two registers in turn; 10 and 20 are looks.
    private func registers(sights: [EntryKey: RegisterSight], _ runs: [ReadRun]) -> JepsenHistory {
        let entries = (1...Int64(20)).map { number in
            entry(0, number, 1000 + 10 * number, 1005 + 10 * number, number == 7 ? .info : .ok)
        }
        let reading = JepsenHistory.Reading(node: nil, time: Bracket(at(2000), at(2100)), runs: runs)
        let workload = JepsenHistory.Workload(
            name: "kv", entries: entries, readings: [reading],
            registers: JepsenHistory.Registers(keys: 2, sights: sights))
        return JepsenHistory(start: at(0), workloads: [workload], events: [])
    }

    private let looked: [EntryKey: RegisterSight] = [
        EntryKey(stream: 0, sequence: 10): .version(9), EntryKey(stream: 0, sequence: 20): .nothing,
    ]

    @Test func registersAreReadAndWritten() throws {
        let runs = [
            ReadRun(stream: 0, numbers: 1...17, state: .absent),
            ReadRun(stream: 0, numbers: 18...18, state: .intact),
            ReadRun(stream: 0, numbers: 19...21, state: .absent),
        ]
        let text = lines(registers(sights: looked, runs))
        check(try text.map { try EDNReader.read($0) })
        let read = { (value: String, key: String) in ":f :read, :key \"kv/0-\(key)\", :value \(value)}" }
        #expect(text.count == 2 * 20 + 2 * 2)
        #expect(text[0].hasSuffix(":type :invoke, :process 0, :f :write, :key \"kv/0-r0\", :value 1}"))
        // Version 7 was in doubt, and its writer goes on as another process.
        #expect(text[13].hasSuffix(":process 0, :f :write, :key \"kv/0-r0\", :value 7, :error :unknown}"))
        #expect(text[18].hasSuffix(":type :invoke, :process 2, " + read("nil", "r0")))
        #expect(text[19].hasSuffix(":type :ok, :process 2, " + read("9", "r0")))
        #expect(text[39].hasSuffix(":type :ok, :process 2, " + read("nil", "r1")))
        // The 17th write of all has number 18, because 10 was a look: it is one of the first register.
        #expect(WorkloadPlan(mode: .register, keys: 2).register(of: 18) == 0)
        #expect(text[42].hasSuffix(read("18", "r0")) && text[43].hasSuffix(read("nil", "r1")))
    }

    @Test func ofARegisterThatWasNotReadNothingIsSaid() throws {
        // What was read of it in an earlier pass is older than the time of the last one.
        let runs = [
            ReadRun(stream: 0, numbers: 2...2, state: .unread),
            ReadRun(stream: 0, numbers: 18...18, state: .intact),
            ReadRun(stream: 0, numbers: 19...19, state: .damaged),
        ]
        let text = lines(registers(sights: looked, runs))
        #expect(text[42].hasSuffix(":f :read, :key \"kv/0-r0\", :value 18}"))
        #expect(text[43].contains(":type :info") && text[43].contains("\"kv/0-r1\", :value nil, :error"))
        let damaged = lines(registers(sights: looked, Array(runs.dropFirst())))
        #expect(damaged[43].hasSuffix(":type :ok, :process 3, :f :read, :key \"kv/0-r1\", :value :damaged}"))
    }

    @Test func aLookOfWhichNobodyKnowsWhatItFoundIsNoticed() {
        var entries = [entry(0, 9, 1, 2, .ok), entry(0, 10, 3, 4, .ok), entry(0, 20, 5, 6, .fail)]
        let registers = JepsenHistory.Registers(
            keys: 2, sights: [EntryKey(stream: 0, sequence: 10): .other])
        #expect(registers.coversLooks(of: entries))
        entries.append(entry(0, 30, 7, 8, .ok))
        #expect(!registers.coversLooks(of: entries))
    }

    @Test func manyStreamsComeOutInOrder() throws {
        var random = SplitMix64(seed: 9)
        var entries: [LedgerEntry] = []
        for stream in 0..<20 {
            var time: Int64 = 1000
            for sequence in 1...50 {
                let sent = time + Int64.random(in: 0...20, using: &random)
                time = sent + Int64.random(in: 0...20, using: &random)
                let outcome =
                    [.ok, .ok, .fail, .info].randomElement(using: &random) ?? LedgerEntry.Outcome.ok
                entries.append(entry(Int32(stream), Int64(sequence), sent, time, outcome))
            }
        }
        let two = [
            JepsenHistory.Workload(name: "a", entries: entries.shuffled(using: &random), readings: []),
            JepsenHistory.Workload(name: "b", entries: entries, readings: []),
        ]
        let operations = try lines(JepsenHistory(start: at(0), workloads: two, events: [])).map {
            try EDNReader.read($0)
        }
        #expect(operations.count == 4 * 1000)
        check(operations)
    }

    /// Indices count, time never runs back, a process has one operation at a time and ends with an info.
    private func check(_ operations: [EDNReader.Form]) {
        var open: [Int: EDNReader.Form] = [:]
        var retired: Set<Int> = []
        var time = Int.min
        for (index, operation) in operations.enumerated() {
            #expect(operation[":index"] == .integer(index))
            guard case .integer(let now)? = operation[":time"], case .keyword(let type)? = operation[":type"]
            else {
                Issue.record("no time or type: \(operation)")
                continue
            }
            #expect(now >= time)
            time = now
            guard case .integer(let process)? = operation[":process"] else {
                #expect(operation[":process"] == .keyword("nemesis") && type == "info")
                continue
            }
            #expect(!retired.contains(process))
            if type == "invoke" {
                #expect(open[process] == nil)
                open[process] = operation
            } else {
                let begun = open.removeValue(forKey: process)
                #expect(begun != nil && begun?[":f"] == operation[":f"])
                if type == "info" { retired.insert(process) }
            }
        }
    }
}

/// A small reader of EDN (https://github.com/edn-format/edn) that shares nothing with the writer.
enum EDNReader {
    enum Form: Hashable {
        case none
        case integer(Int)
        case text(String)
        case keyword(String)
        case symbol(String)
        case vector([Form])
        case map([Form: Form])

        subscript(key: String) -> Form? {
            if case .map(let map) = self { map[.keyword(String(key.dropFirst()))] } else { nil }
        }
    }

    struct Malformed: Error { var rest: String }

    static func read(_ text: String) throws -> Form {
        var rest = Substring(text)
        let form = try form(&rest)
        skip(&rest)
        if !rest.isEmpty { throw Malformed(rest: String(rest)) }
        return form
    }

    private static func skip(_ rest: inout Substring) {
        rest = rest.drop { $0 == " " || $0 == "," || $0 == "\n" }
    }

    private static func form(_ rest: inout Substring) throws -> Form {
        skip(&rest)
        switch rest.first {
        case "{":
            let items = try list(&rest, until: "}")
            guard items.count % 2 == 0 else { throw Malformed(rest: String(rest)) }
            var map: [Form: Form] = [:]
            for index in stride(from: 0, to: items.count, by: 2) {
                guard map.updateValue(items[index + 1], forKey: items[index]) == nil else {
                    throw Malformed(rest: "twice: \(items[index])")
                }
            }
            return .map(map)
        case "[": return .vector(try list(&rest, until: "]"))
        case "\"": return .text(try string(&rest))
        case nil: throw Malformed(rest: "")
        default: break
        }
        let word = rest.prefix { !" ,{}[]\"".contains($0) }
        rest = rest.dropFirst(word.count)
        if word.isEmpty { throw Malformed(rest: String(rest)) }
        if word == "nil" { return .none }
        if word.first == ":" { return .keyword(String(word.dropFirst())) }
        return Int(word).map { .integer($0) } ?? .symbol(String(word))
    }

    private static func list(_ rest: inout Substring, until end: Character) throws -> [Form] {
        rest = rest.dropFirst()
        var items: [Form] = []
        while true {
            skip(&rest)
            if rest.first == end { break }
            items.append(try form(&rest))
        }
        rest = rest.dropFirst()
        return items
    }

    private static func string(_ rest: inout Substring) throws -> String {
        rest = rest.dropFirst()
        var text = ""
        while let character = rest.popFirst() {
            if character == "\"" { return text }
            if character == "\\" {
                guard let next = rest.popFirst() else { break }
                text.append(next == "n" ? "\n" : next == "t" ? "\t" : next)
            } else {
                text.append(character)
            }
        }
        throw Malformed(rest: text)
    }
}
