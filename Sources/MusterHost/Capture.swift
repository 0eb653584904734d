import Glibc
import MusterCore
import MusterSystem

/// What a command says on its standard output and errors: each up to a limit, the rest is read and dropped so
/// that the command does not block.
struct Capture {
    static let limit = 65536

    private var writeEnds: [Descriptor]
    /// nil once it has ended.
    private var readEnds: [Descriptor?]
    private var bytes: [[UInt8]] = [[], []]

    init() throws(SystemError) {
        let output = try Descriptor.pipe()
        let errors = try Descriptor.pipe()
        for end in [output.read, errors.read] { try end.setNonblocking() }
        readEnds = [output.read, errors.read]
        writeEnds = [output.write, errors.write]
    }

    var streams: (Spawn.Stream, Spawn.Stream) {
        (.descriptor(writeEnds[0].number), .descriptor(writeEnds[1].number))
    }

    /// To be called once the command has them, or the end never comes.
    mutating func closeWriteEnds() { writeEnds = [] }

    var texts: [String] { bytes.map { String(decoding: $0, as: UTF8.self) } }

    /// Reads until the command has ended, not until its streams have: what it left running may keep them open.
    /// - Returns: nil when the deadline passed first.
    mutating func read(until deadline: Instant, from child: Child) throws(SystemError) -> ExitStatus? {
        while true {
            let open = readEnds.compactMap { $0?.number }.map { Interest($0, .readable) }
            let interests = open + [Interest(child.pidfd.descriptor.number, .readable)]
            let events = try waitFor(interests, until: deadline)
            try drain()
            if let last = events.last, !last.isEmpty { return try child.wait(until: nil) }
            if SystemTimekeeper().monotonic() >= deadline { return nil }
        }
    }

    /// Reads what is there now.
    mutating func drain() throws(SystemError) {
        for index in readEnds.indices {
            // Bounded, so that a command that never stops talking cannot keep us here beyond its deadline.
            for _ in 0..<16 {
                guard let end = readEnds[index] else { break }
                let got = try end.read(upTo: 65536)
                guard case .bytes(let more) = got else {
                    if got == .end { readEnds[index] = nil }
                    break
                }
                bytes[index] += more.prefix(max(0, Self.limit - bytes[index].count))
            }
        }
    }
}
