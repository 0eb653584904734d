import MusterCore
import MusterDrills

/// What a person is told while it takes long, once for each reason.
struct ReadBackNotes {
    /// After this a person wants to know what goes on.
    static let patience = Duration.seconds(5)
    let note: (String) -> Void
    private var isTroubled = false
    private var isSlow = false

    init(note: @escaping (String) -> Void) { self.note = note }

    mutating func trouble(_ why: String) {
        if !isTroubled { note(why) }
        isTroubled = true
    }

    mutating func slow() {
        if !isSlow { note("one pass over all entries takes more than \(Self.patience.forPeople)") }
        isSlow = true
    }
}

/// What all passes together have found.
struct ReadBackKnown {
    var problems: [String] = []
    var hints: [String] = []
    var agreed = false
    private(set) var newest: ReadBackPass.Result?
    private var passes = 0
    private var violations: [String] = []
    /// By stream and entry: it was asked for, and not there.
    private var wasAbsent: [[Bool]] = []

    mutating func add(_ pass: ReadBackPass.Result) {
        passes += 1
        violations += pass.violations.filter { !violations.contains($0) }
        if wasAbsent.isEmpty { wasAbsent = pass.states.map { [Bool](repeating: false, count: $0.count) } }
        for stream in pass.states.indices {
            for index in pass.states[stream].indices where pass.states[stream][index] == .absent {
                wasAbsent[stream][index] = true
            }
        }
        newest = pass.filled(from: newest)
    }

    private var allProblems: [String] { problems + (newest?.allProblems ?? []) }

    func readBack() -> ReadBack {
        let found = newest?.found ?? []
        let late = found.map(\.key).filter(wasSeenAbsent)
        var readBack = ReadBack(
            found: found, agreed: agreed, late: late, passes: passes, problems: allProblems,
            unread: newest?.unreadKeys ?? [], cannotList: newest?.cannotList ?? false)
        readBack.lastPass = newest?.time
        readBack.hints = hints
        readBack.violations = violations
        return readBack
    }

    private func wasSeenAbsent(_ key: EntryKey) -> Bool {
        guard wasAbsent.indices.contains(Int(key.stream)) else { return false }
        let stream = wasAbsent[Int(key.stream)]
        let index = Int(key.sequence - 1)
        return stream.indices.contains(index) && stream[index]
    }

    func replica(_ name: String) -> ReadBack.Replica {
        ReadBack.Replica(
            name: name, found: newest?.found ?? [], agreed: agreed, passes: passes, problems: allProblems,
            unread: newest?.unreadKeys ?? [])
    }
}
