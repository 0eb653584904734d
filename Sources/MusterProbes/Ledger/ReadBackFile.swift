import Glibc
public import MusterCore
public import MusterDrills
import MusterSystem

/// What the last pass of a read-back found, kept beside its ledger, so that the whole history can be told later.
///
/// Text, a line for as many entries of a stream as are alike:
///
///     muster read-back 1
///     reader primary
///     pass 1200034 1310042          from, to: CLOCK_MONOTONIC, nanoseconds
///     0 1 12034 intact              stream, first, last, state
///     0 12035 12041 absent
///     0 12042 12042 intact 2        there twice
///     reader redis://10.0.0.2:6379
public struct ReadBackFile: Hashable, Sendable {
    /// The store itself, or one of its replicas.
    public struct Reader: Hashable, Sendable {
        public var name: String
        /// When its last pass was; nil when there was none.
        public var time: Bracket?
        public var runs: [ReadRun]
        public init(name: String, time: Bracket?, runs: [ReadRun]) {
            self.name = name
            self.time = time
            self.runs = runs
        }
    }

    /// The store itself first.
    public var readers: [Reader]

    public init(readers: [Reader]) { self.readers = readers }

    /// Where it lies.
    /// - Parameter ledger: the path of the ledger's file.
    public static func path(beside ledger: String) -> String {
        (ledger.hasSuffix(".ledger") ? String(ledger.dropLast(7)) : ledger) + ".readback"
    }

    private static let magic = "muster read-back 1"

    public var text: String {
        var text = Self.magic + "\n"
        for reader in readers {
            text += "reader \(reader.name)\n"
            if let time = reader.time {
                text += "pass \(time.lower.nanoseconds) \(time.upper.nanoseconds)\n"
            }
            for run in reader.runs {
                text += "\(run.stream) \(run.numbers.lowerBound) \(run.numbers.upperBound) "
                text += run.state.rawValue + (run.count > 1 ? " \(run.count)\n" : "\n")
            }
        }
        return text
    }

    /// - Returns: why it could not be kept, for people; nil when it was.
    func write(beside ledger: String) -> String? {
        do {
            let file = try Descriptor(opening: Self.path(beside: ledger), O_WRONLY | O_CREAT | O_TRUNC)
            try file.write(Array(text.utf8))
            return nil
        } catch {
            return "what was read back is not kept for an export: \(error)"
        }
    }

    /// - Throws: `MeasuringError.ledger` when it is not there or not such a file.
    public static func read(_ path: String) throws -> ReadBackFile {
        let bytes: [UInt8]
        do {
            bytes = try Descriptor(opening: path, O_RDONLY).readAll(limit: 1 << 30)
        } catch {
            throw MeasuringError.ledger(path: path, "\(error)")
        }
        var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")[...]
        guard lines.popFirst() == Substring(magic) else {
            throw MeasuringError.ledger(path: path, "is not a read-back of version 1")
        }
        var file = ReadBackFile(readers: [])
        for line in lines {
            let words = line.split(separator: " ")
            if words.first == "reader" {
                file.readers.append(Reader(name: String(line.dropFirst(7)), time: nil, runs: []))
            } else if words.first == "pass", words.count == 3, let from = Int64(words[1]),
                let to = Int64(words[2]), from <= to, !file.readers.isEmpty
            {
                file.readers[file.readers.count - 1].time = Bracket(
                    Instant(nanoseconds: from), Instant(nanoseconds: to))
            } else if let run = ReadRun(words), !file.readers.isEmpty {
                file.readers[file.readers.count - 1].runs.append(run)
            } else {
                throw MeasuringError.ledger(path: path, "has a line that is none of a read-back: '\(line)'")
            }
        }
        return file
    }
}

extension ReadRun {
    fileprivate init?(_ words: [Substring]) {
        guard (4...5).contains(words.count), let stream = Int32(words[0]), let first = Int64(words[1]),
            let last = Int64(words[2]), first <= last,
            let state = ReadRun.State(rawValue: String(words[3])),
            let count = words.count == 5 ? Int(words[4]) : 1
        else { return nil }
        self.init(stream: stream, numbers: first...last, state: state, count: count)
    }
}

extension ReadBackFile.Reader {
    /// - Parameter pass: nil when there was none.
    init(_ name: String, _ pass: ReadBackPass.Result?) {
        self.init(name: name, time: pass?.time, runs: [])
        guard let pass else { return }
        pass.eachEntry { key, state in
            append(key, state.inFile, pass.copies[key] ?? 1)
        }
        // Only found because the store lists its keys; whether they are intact nobody can say.
        for key in pass.strangers.sorted() { append(key, .intact, 1) }
    }

    private mutating func append(_ key: EntryKey, _ state: ReadRun.State, _ count: Int) {
        if let last = runs.last, last.stream == key.stream, last.state == state, last.count == count,
            last.numbers.upperBound + 1 == key.sequence
        {
            runs[runs.count - 1].numbers = last.numbers.lowerBound...key.sequence
        } else {
            runs.append(
                ReadRun(
                    stream: key.stream, numbers: key.sequence...key.sequence, state: state, count: count))
        }
    }
}

extension ReadState {
    fileprivate var inFile: ReadRun.State {
        switch self {
        case .absent: .absent
        case .intact: .intact
        case .damaged: .damaged
        case .misplaced: .misplaced
        case .unread, .notAsked: .unread
        }
    }
}
