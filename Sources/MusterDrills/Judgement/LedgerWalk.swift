import MusterCore

/// Walks through entries and what was found of them, both by key, one stream after the other.
struct LedgerWalk {
    private let entries: [LedgerEntry]
    private let found: [ReadBack.Found]
    private let fault: Bracket
    private var late: SortedKeys
    private var unread: SortedKeys
    private var sample: ArraySlice<ReadSample.Run>?
    private let since: Instant?
    private var nextFound = 0
    private var phantoms: [EntryKey] = []
    private var states: [EntryState] = []
    /// Of the older writes that a sample was drawn of: read, and lost or corrupt.
    private(set) var missingFromSample = 0

    init(_ ledger: Ledger, _ readBack: ReadBack, _ fault: Bracket) {
        entries = ledger.entries.inOrder
        found = LedgerJudge.merged(readBack.found)
        self.fault = fault
        late = SortedKeys(readBack.late.inOrder)
        unread = SortedKeys(readBack.unread.inOrder)
        sample = readBack.sample?.runs[...]
        since = readBack.sample?.since
    }

    mutating func run(into tally: inout LedgerTally) {
        var start = 0
        while start < entries.count {
            let stream = entries[start].key.stream
            while nextFound < found.count, found[nextFound].key.stream < stream { skipPhantom() }
            var end = start
            while end < entries.count, entries[end].key.stream == stream { end += 1 }
            judge(start..<end, &tally)
            start = end
        }
        while nextFound < found.count { skipPhantom() }
        for key in phantoms { tally.note(.phantom, key) }
    }

    private mutating func skipPhantom() {
        phantoms.append(found[nextFound].key)
        nextFound += 1
    }

    /// What reading found of each entry of one stream.
    private mutating func look(at range: Range<Int>) {
        states.removeAll(keepingCapacity: true)
        for index in range {
            let key = entries[index].key
            var state: EntryState = []
            while nextFound < found.count, found[nextFound].key < key { skipPhantom() }
            if nextFound < found.count, found[nextFound].key == key {
                state.insert(.present)
                if found[nextFound].isIntact { state.insert(.intact) }
                if found[nextFound].count > 1 { state.insert(.copies) }
                if found[nextFound].isMisplaced { state.insert(.misplaced) }
                nextFound += 1
            }
            if late.contains(key) { state.insert(.late) }
            if unread.contains(key), !state.contains(.present) { state.insert(.unread) }
            if !isAsked(key) { state.insert(.unsampled) }
            states.append(state)
        }
        while nextFound < found.count, found[nextFound].key.stream == entries[range.lowerBound].key.stream {
            skipPhantom()
        }
    }

    private mutating func isAsked(_ key: EntryKey) -> Bool {
        guard sample != nil else { return true }
        while let run = sample?.first, (run.stream, run.numbers.upperBound) < (key.stream, key.sequence) {
            sample?.removeFirst()
        }
        return sample?.first.map { $0.stream == key.stream && $0.numbers.contains(key.sequence) } ?? false
    }

    private mutating func judge(_ range: Range<Int>, _ tally: inout LedgerTally) {
        look(at: range)
        let newest = range.last { index in
            entries[index].isAcknowledged && states[index - range.lowerBound].survives
                && entries[index].acknowledgedAt <= fault.lower
        }
        var ages = Ages()
        for index in range {
            let entry = entries[index]
            let state = states[index - range.lowerBound]
            let isHole = newest.map { index < $0 } ?? false
            let fate = fate(of: entry, state, isHole)
            tally.note(fate, entry)
            if state.contains(.copies) { tally.note(.duplicate, entry.key, entry) }
            if state.contains(.misplaced) { tally.note(.reordered, entry.key, entry) }
            guard entry.isAcknowledged else { continue }
            // An entry in doubt may land late; only what was promised can be stale.
            if state.contains(.late), state.survives { tally.note(.stale, entry.key, entry) }
            if !state.survives, entry.sent <= fault.upper {
                ages.add(entry, isKnown: !state.isUnknown, isHole: isHole)
                if !state.isUnknown { tally.addLoss(entry.key, isHole: isHole) }
            }
            if fate.isLoss, entry.sent > fault.upper {
                tally.addLossAfterFault(entry, isCorrupt: fate == .corrupt, fault)
            }
            if let since, fate.isLoss, entry.acknowledgedAt < since { missingFromSample += 1 }
            ages.previous = entry
        }
        tally.add(ages, newest: newest.map { entries[$0] }, fault)
    }

    private func fate(of entry: LedgerEntry, _ state: EntryState, _ isHole: Bool) -> EntryClass {
        if state.contains(.unsampled) { return .unsampled }
        if state.contains(.unread) { return .unread }
        let isPresent = state.contains(.present)
        switch entry.outcome {
        case .ok, .okWithWarning:
            if isPresent { return state.contains(.intact) ? .survived : .corrupt }
            return entry.sent > fault.upper ? .lostAfterFault : isHole ? .lostHole : .lostTail
        case .fail: return isPresent ? .abortedVisible : .failed
        // Half of a write is neither of the two things that a write in doubt may become.
        case .info, .pending:
            return isPresent ? state.contains(.intact) ? .recovered : .abortedVisible : .notApplied
        }
    }
}

/// What reading and drawing say about one entry.
private struct EntryState: OptionSet {
    let rawValue: UInt8
    static let present = Self(rawValue: 1)
    static let intact = Self(rawValue: 2)
    static let copies = Self(rawValue: 4)
    static let late = Self(rawValue: 8)
    static let unread = Self(rawValue: 16)
    static let unsampled = Self(rawValue: 32)
    static let misplaced = Self(rawValue: 64)

    var survives: Bool { contains(.present) && contains(.intact) }
    var isUnknown: Bool { contains(.unread) || contains(.unsampled) }
}

/// The losses of one stream by which the age of what was lost is told.
struct Ages {
    /// The acknowledged write before the one that is looked at.
    var previous: LedgerEntry?
    /// The one before the oldest that is lost, or may be.
    private(set) var beforeOldest: LedgerEntry?
    private(set) var isAnySuspect = false
    private(set) var firstLoss: LedgerEntry?
    private(set) var firstOfTail: LedgerEntry?

    mutating func add(_ entry: LedgerEntry, isKnown: Bool, isHole: Bool) {
        if !isAnySuspect { beforeOldest = previous }
        isAnySuspect = true
        guard isKnown else { return }
        firstLoss = firstLoss ?? entry
        if !isHole { firstOfTail = firstOfTail ?? entry }
    }
}
