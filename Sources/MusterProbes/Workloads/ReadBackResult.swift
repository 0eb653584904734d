import MusterCore
import MusterDrills

/// What reading says of one entry.
enum ReadState: UInt8, Sendable {
    case notAsked, absent, intact, damaged
    /// Intact, but after an entry that its stream wrote later.
    case misplaced
    /// Asked for without an answer, or not come to.
    case unread

    var isPresent: Bool { self == .intact || self == .damaged || self == .misplaced }
}

/// What is asked for: of each stream, some numbers in order.
struct ReadPlan: Sendable {
    /// By stream.
    var streams: [[ClosedRange<Int64>]]
    /// Also which keys there are that nobody asked for.
    var isListed: Bool
    /// Also whether the store as a whole is sound.
    var isExamined = true

    /// Everything that was written, and the one after each stream's last, which nobody ever wrote; of a sample, what
    /// was drawn.
    /// - Parameter written: how many entries each stream has.
    init(written: [Int64], sample: ReadSample?) {
        isListed = sample == nil
        streams = written.map { count in sample == nil ? [1...(count + 1)] : [] }
        for run in sample?.runs ?? [] where streams.indices.contains(Int(run.stream)) {
            streams[Int(run.stream)].append(run.numbers)
        }
    }
}

extension ReadBackPass {
    /// A byte for each entry, so that ten million of them fit twice.
    struct Result: Sendable {
        /// By stream, then by sequence from 1.
        var states: [[ReadState]] = []
        /// Where it was more than once.
        var copies: [EntryKey: Int] = [:]
        /// There, and not among what was asked for.
        var strangers: Set<EntryKey> = []
        var problems: [String] = []
        /// Proof of damage beside the entries.
        var violations: [String] = []
        var unread = 0
        var firstFailure = ""
        /// It was ended before everything was asked for.
        var isCutShort = false
        var cannotList = false
        var time: Bracket?

        var isComplete: Bool { unread == 0 && problems.isEmpty }

        func agrees(with other: Result) -> Bool {
            isComplete && other.isComplete && holdsTheSame(as: other)
        }

        func holdsTheSame(as other: Result) -> Bool {
            states == other.states && copies == other.copies && strangers == other.strangers
        }

        /// Everything that is not as it should be, in words.
        var allProblems: [String] {
            let first = firstFailure.isEmpty ? "" : ", such as \(firstFailure)"
            let keys = unread == 1 ? "key" : "keys"
            return (unread == 0 ? [] : ["\(unread) \(keys) could not be read\(first)"]) + problems
        }

        /// In how many entries two passes differ.
        func differences(from other: Result) -> Int {
            var count = strangers.symmetricDifference(other.strangers).count
            for (mine, theirs) in zip(states, other.states) {
                for (a, b) in zip(mine, theirs) where a != b { count += 1 }
            }
            for (key, number) in copies where other.copies[key] != number && other.isPresent(key) {
                count += 1
            }
            return max(count, holdsTheSame(as: other) ? 0 : 1)
        }

        private func isPresent(_ key: EntryKey) -> Bool {
            states[Int(key.stream)][Int(key.sequence - 1)].isPresent
        }

        /// What this pass could not read is as it was found before. What was absent before counts as looked for
        /// only where this pass did not come to it: an answer that fails may hide what came meanwhile.
        func filled(from before: Result?) -> Result {
            guard let before else { return self }
            var filled = self
            filled.cannotList = cannotList || before.cannotList
            if isCutShort { filled.strangers.formUnion(before.strangers) }
            guard unread > 0 else { return filled }
            for stream in states.indices {
                for index in states[stream].indices where states[stream][index] == .unread {
                    let old = before.states[stream][index]
                    guard old.isPresent || isCutShort && old == .absent else { continue }
                    filled.states[stream][index] = old
                    filled.unread -= 1
                    let key = EntryKey(stream: Int32(stream), sequence: Int64(index + 1))
                    if let copies = before.copies[key] { filled.copies[key] = copies }
                }
            }
            return filled
        }

        /// Each entry that was asked for, by key.
        func eachEntry(_ body: (EntryKey, ReadState) -> Void) {
            for stream in states.indices {
                for index in states[stream].indices where states[stream][index] != .notAsked {
                    body(
                        EntryKey(stream: Int32(stream), sequence: Int64(index + 1)), states[stream][index])
                }
            }
        }

        /// By key.
        var found: [ReadBack.Found] {
            var all: [ReadBack.Found] = []
            eachEntry { key, state in
                guard state.isPresent else { return }
                all.append(
                    ReadBack.Found(
                        key: key, isIntact: state != .damaged, count: copies[key] ?? 1,
                        isMisplaced: state == .misplaced))
            }
            if strangers.isEmpty { return all }
            all += strangers.map { ReadBack.Found(key: $0, isIntact: true) }
            return all.sorted { $0.key < $1.key }
        }

        var unreadKeys: [EntryKey] {
            var keys: [EntryKey] = []
            if unread > 0 { eachEntry { key, state in if state == .unread { keys.append(key) } } }
            return keys
        }
    }
}
