import MusterCore
import MusterDrills

/// Operations of one process or more, by time.
protocol OperationSource {
    /// The next operation's time, and its turn among others of that time: what begins comes before what ends, so that
    /// nobody is said to have come after another without proof.
    var next: (time: Instant, turn: Int)? { get }
    /// The fields of the operation beside index and time.
    mutating func take() -> String
}

/// Merges sources by time, each in its own order: a heap by their next operations.
struct OperationQueue {
    private var heap: [any OperationSource] = []

    mutating func add(_ source: any OperationSource) {
        guard source.next != nil else { return }
        heap.append(source)
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (time: Instant, body: String)? {
        guard let time = heap.first?.next?.time else { return nil }
        let body = heap[0].take()
        if heap[0].next == nil {
            heap.swapAt(0, heap.count - 1)
            heap.removeLast()
        }
        sink()
        return (time, body)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, least) {
                least = child
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        guard let first = heap[a].next, let second = heap[b].next else { return false }
        return (first.time, first.turn) < (second.time, second.turn)
    }
}

/// The writes of one stream.
struct WriterOperations: OperationSource {
    private let form: OperationForm
    private var entries: ArraySlice<LedgerEntry>
    private var process: Int
    private let step: Int
    private var isOpen = false
    /// A process has no two operations at once, whatever its clock says.
    private var lastTime = Instant(nanoseconds: .min)

    init(_ form: OperationForm, _ entries: ArraySlice<LedgerEntry>, process: Int, step: Int) {
        self.form = form
        self.entries = entries
        self.process = process
        self.step = step
    }

    var next: (time: Instant, turn: Int)? {
        guard let entry = entries.first else { return nil }
        if isOpen { return (max(lastTime, entry.finished ?? entry.sent), 2) }
        return (max(lastTime, entry.sent), 0)
    }

    mutating func take() -> String {
        guard let entry = entries.first, let next else { return "" }
        lastTime = next.time
        let process = process
        if !isOpen {
            // What never ended needs no end (jepsen.history: an invocation without a completion is an info).
            if entry.finished == nil { end(retiring: true) } else { isOpen = true }
            let call = form.call(entry.key)
            return ":type :invoke, :process \(process), \(call)"
        }
        isOpen = false
        let call = form.call(entry.key, isAnswered: entry.isAcknowledged)
        switch entry.outcome {
        case .ok:
            end(retiring: false)
            return ":type :ok, :process \(process), \(call)"
        case .okWithWarning:
            end(retiring: false)
            return ":type :ok, :process \(process), \(call), :warning true"
        case .fail:
            end(retiring: false)
            return ":type :fail, :process \(process), \(call)"
        case .info, .pending:
            end(retiring: true)
            return ":type :info, :process \(process), \(call), :error :unknown"
        }
    }

    private mutating func end(retiring: Bool) {
        entries.removeFirst()
        if retiring { process += step }
    }
}

/// The reads of one reader's last pass: all begin with it and end with it.
struct ReadOperations: OperationSource {
    private let form: OperationForm
    private let reading: JepsenHistory.Reading
    private let step: Int
    private let first: Int
    private let reads: [(key: EntryKey, run: Int)]
    private var index = 0

    /// - Parameter written: what was never written is not told of as read, unless it was there.
    init(
        _ form: OperationForm, _ found: JepsenHistory.Reading, written: [ArraySlice<LedgerEntry>],
        process: Int, step: Int
    ) {
        let reading = form.reading(found)
        self.form = form
        self.reading = reading
        self.step = step
        first = process
        var last: [Int32: Int64] = [:]
        for stream in written {
            if let entry = stream.last { last[entry.key.stream] = entry.key.sequence }
        }
        reads = reading.runs.enumerated().flatMap { index, run in
            run.numbers.lazy.filter { $0 <= last[run.stream] ?? 0 || run.isPresent }
                .map { (EntryKey(stream: run.stream, sequence: $0), index) }
        }
    }

    var count: Int { reads.count }

    var next: (time: Instant, turn: Int)? {
        if index < reads.count { return (reading.time.lower, 0) }
        return index < 2 * reads.count ? (reading.time.upper, 2) : nil
    }

    mutating func take() -> String {
        let isBeginning = index < reads.count
        let number = isBeginning ? index : index - reads.count
        index += 1
        let (key, runIndex) = reads[number]
        let run = reading.runs[runIndex]
        let node = reading.node.map { ", :node \(EDN.string($0))" } ?? ""
        let process = first + number * step
        func operation(_ type: String, _ value: String, _ more: String = "") -> String {
            ":type \(type), :process \(process), \(form.read(key, value))\(node)\(more)"
        }
        if isBeginning { return operation(":invoke", "nil") }
        let copies = run.count > 1 ? ", :copies \(run.count)" : ""
        return switch run.state {
        case .absent: operation(":ok", "nil")
        case .intact, .misplaced: operation(":ok", "\(key.sequence)", copies)
        case .damaged: operation(":ok", ":damaged", copies)
        case .unread: operation(":info", "nil", ", :error :unread")
        }
    }
}

/// Faults as they were injected and lifted.
struct FaultOperations: OperationSource {
    private var operations: ArraySlice<(time: Instant, body: String)>

    init(_ events: [Event]) {
        var all: [(time: Instant, body: String)] = []
        var faults: [String: String] = [:]
        for event in events {
            let function: String
            switch event.kind {
            case .injected:
                function = EDN.keyword(event.detail["fault"]?.asText ?? "fault")
                faults[event.subject] = function
            case .lifted, .undone:
                guard faults[event.subject] != nil else { continue }
                function = ":lift"
            default: continue
            }
            let body =
                ":type :info, :process :nemesis, :f \(function), :value \(EDN.string(event.subject))"
            let bracket = event.bracket ?? Bracket(event.at, event.at)
            all += [(bracket.lower, body), (bracket.upper, body)]
        }
        // Of two at one time the earlier in the record stays first.
        operations =
            all.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
            .map(\.element)[...]
    }

    var next: (time: Instant, turn: Int)? { operations.first.map { ($0.time, 1) } }
    mutating func take() -> String { operations.popFirst()?.body ?? "" }
}
