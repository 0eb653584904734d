public import MusterCore
public import MusterDrills

/// A run's ledgers as a history in Jepsen's form (https://github.com/jepsen-io/history), an operation a line, so that
/// Elle or, through an adapter, Porcupine can judge it.
///
/// - Each write is a transaction of one micro-operation, `[[:w "sessions/0-17" 17]]`: its key is never written twice.
///   What was read back are transactions `[[:r "sessions/0-17" 17]]`, with `nil` for what was not there and `:damaged`
///   for what was not what had been written. This is what Elle calls rw-register.
/// - A register's write is `:f :write, :key "sessions/0-r1", :value 17`, a look at it `:f :read` with the version that
///   it showed. Versions of a register are never written twice; nobody but its writer writes to it.
/// - A process is a writer. After an `:info` it is never used again, and its writer goes on as another process. Reads
///   of the last pass are processes of their own, all at once: nobody knows more of them than when the pass was.
/// - Faults are `:nemesis` operations, twice each: before and after.
/// - `:time` is nanoseconds since the run began.
public struct JepsenHistory {
    /// One ledger and what was read of it.
    public struct Workload: Sendable {
        public var name: String
        public var entries: [LedgerEntry]
        public var readings: [Reading]
        /// In mode `register`; nil when its writes are entries.
        public var registers: Registers?

        public init(
            name: String, entries: [LedgerEntry], readings: [Reading], registers: Registers? = nil
        ) {
            self.name = name
            self.entries = entries
            self.readings = readings
            self.registers = registers
        }
    }

    /// What a ledger in mode `register` needs beside its entries.
    public struct Registers: Sendable {
        /// Registers of each writer.
        public var keys: Int
        /// What looks found, by the number under which they were made.
        public var sights: [EntryKey: RegisterSight]

        /// - Parameter keys: at least 1.
        public init(keys: Int, sights: [EntryKey: RegisterSight]) {
            self.keys = keys
            self.sights = sights
        }

        /// Whether it is known what each look found that was answered. A ledger of an earlier version does not say.
        public func coversLooks(of entries: [LedgerEntry]) -> Bool {
            let plan = WorkloadPlan(mode: .register, keys: keys)
            return entries.allSatisfy {
                !$0.isAcknowledged || !plan.isRead($0.key) || sights[$0.key] != nil
            }
        }
    }

    /// What one reader found.
    public struct Reading: Sendable {
        /// nil for the store itself; a replica's name otherwise.
        public var node: String?
        /// Some time in it each entry was read.
        public var time: Bracket
        public var runs: [ReadRun]

        public init(node: String?, time: Bracket, runs: [ReadRun]) {
            self.node = node
            self.time = time
            self.runs = runs
        }
    }

    private let start: Instant
    private let workloads: [Workload]
    private let events: [Event]

    public init(start: Instant, workloads: [Workload], events: [Event]) {
        self.start = start
        self.workloads = workloads
        self.events = events
    }

    /// - Parameter line: takes each line in turn, without its end.
    /// - Returns: how many operations there are.
    public func write(_ line: (String) throws -> Void) rethrows -> Int {
        var sources = OperationQueue()
        let streams = workloads.map { Self.streams(of: $0.entries.sorted { $0.key < $1.key }) }
        // One more than there are writers: the numbers in between belong to reads.
        let step = streams.reduce(1) { $0 + $1.count }
        var process = 0
        for (workload, streams) in zip(workloads, streams) {
            let form = OperationForm(workload)
            for entries in streams {
                sources.add(WriterOperations(form, entries[...], process: process, step: step))
                process += 1
            }
        }
        var readProcess = step - 1
        for (workload, streams) in zip(workloads, streams) {
            for reading in workload.readings {
                let reads = ReadOperations(
                    OperationForm(workload), reading, written: streams, process: readProcess, step: step)
                readProcess += reads.count * step
                sources.add(reads)
            }
        }
        sources.add(FaultOperations(events))
        var index = 0
        while let (time, body) = sources.next() {
            try line("{:index \(index), :time \((time - start).nanoseconds), \(body)}")
            index += 1
        }
        return index
    }

    private static func streams(of entries: [LedgerEntry]) -> [ArraySlice<LedgerEntry>] {
        entries.split(whereStreamChanges: \.key.stream)
    }
}

extension [LedgerEntry] {
    fileprivate func split(whereStreamChanges stream: (LedgerEntry) -> Int32) -> [ArraySlice<LedgerEntry>] {
        var parts: [ArraySlice<LedgerEntry>] = []
        var first = startIndex
        for index in indices where index > first && stream(self[index]) != stream(self[first]) {
            parts.append(self[first..<index])
            first = index
        }
        if first < endIndex { parts.append(self[first...]) }
        return parts
    }
}

/// Text as EDN writes it (https://github.com/edn-format/edn).
enum EDN {
    static func string(_ text: String) -> String {
        var quoted = "\""
        for character in text.unicodeScalars {
            switch character {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            default: quoted.unicodeScalars.append(character)
            }
        }
        return quoted + "\""
    }

    /// A keyword of a name; what may not stand in one becomes `-`.
    static func keyword(_ name: String) -> String {
        ":" + String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "-" })
    }
}
