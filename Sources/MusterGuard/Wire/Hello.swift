public import MusterCore

/// What a guard says of itself in its first line: `MUSTER/1 <nonce> {…}`.
public struct Hello: Hashable, Sendable, Codable {
    /// Of the tool, for people.
    public var version: String
    /// Of the protocol; another one is refused except for `list` and `undo`.
    public var `protocol`: Int
    public var host: String
    public var bootID: String
    public var userID: UInt32
    /// In front of every injection id of this state directory.
    public var tag: String
    public var stateDirectory: String
    public var pid: Int32
    /// Nanoseconds of silence after which the guard puts everything back.
    public var lease: Int64
    public var journal: JournalStanding
    /// What earlier guards had left open, and what became of it.
    public var mended: [UndoReport]
    /// Whether that mending still went on when this line was written.
    public var isStillMending: Bool

    static let current = 1
    static let magic = "MUSTER/\(current)"

    /// The whole line.
    func line(nonce: String) throws -> [UInt8] {
        Array("\(Self.magic) \(nonce) ".utf8) + (try Frame.encode(self))
    }
}

/// The line in place of a hello when the guard cannot serve: `MUSTER/1 <nonce> {"refused": …}`.
struct Refusal: Codable {
    var refused: GuardFailure
    func line(nonce: String) throws -> [UInt8] {
        Array("\(Hello.magic) \(nonce) ".utf8) + (try Frame.encode(self))
    }
}

/// Finds the guard's first line behind banners and the noise of shells starting up.
struct HelloFinder {
    static let bannerLimit = 64 << 10
    private let start: [UInt8]
    private(set) var banner: [UInt8] = []
    private(set) var reader = LineReader()

    init(nonce: String) { start = Array("\(Hello.magic) \(nonce) ".utf8) }

    enum Finding {
        case hello(Hello)
        case refused(GuardFailure)
    }

    /// - Returns: nil until the line is there.
    /// - Throws: `GuardFailure` when there was too much before it, or it cannot be read.
    mutating func take(_ bytes: [UInt8]) throws -> Finding? {
        reader.append(bytes)
        do {
            while let line = try reader.next() {
                // A banner without a line feed may stand in front of it.
                guard let at = firstRange(of: start, in: line) else {
                    banner += line + [0x0A]
                    try checkBanner()
                    continue
                }
                banner += line[..<at]
                let json = Array(line[(at + start.count)...])
                if let refusal = try? Frame.decode(Refusal.self, from: json) {
                    return .refused(refusal.refused)
                }
                return .hello(try Frame.decode(Hello.self, from: json))
            }
        } catch let problem as FrameProblem {
            throw GuardFailure(
                .lost, "the guard's first line cannot be read: \(problem.inWords)",
                advice: "see that the same version of Muster is installed on both sides")
        }
        try checkBanner()
        return nil
    }

    var bannerText: String { String(decoding: (banner + reader.pending).suffix(2000), as: UTF8.self) }

    private func checkBanner() throws {
        let size = banner.count + reader.pending.count
        guard size > Self.bannerLimit, firstRange(of: start, in: reader.pending) == nil else { return }
        throw GuardFailure(
            .lost,
            "more than \(Self.bannerLimit) bytes arrived and none of them was a guard's: \(bannerText)",
            advice: "make the command quiet: no banner, no prompt, no shell start-up output")
    }

    private func firstRange(of needle: [UInt8], in hay: [UInt8]) -> Int? {
        guard hay.count >= needle.count else { return nil }
        return (0...(hay.count - needle.count)).first { hay[$0..<($0 + needle.count)].elementsEqual(needle) }
    }
}
