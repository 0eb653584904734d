import MusterCore

/// What hands tell whoever started them: one line each, a letter, a blank and the rest.
enum HandsMessage {
    /// The journal could be opened.
    case standing(HandsStanding)
    /// What is about to be restored, so that a watcher knows what hangs.
    case progress(InjectionID, String)
    /// A line for the engine.
    case forward([UInt8])
    /// The command has ended; so many injections are open.
    case done(open: Int)
    /// Everything was undone, as far as it could be.
    case mended(UndoReply)
    /// The hands cannot work.
    case failed(GuardFailure)

    init?(_ line: [UInt8]) {
        guard line.count >= 2, line[1] == UInt8(ascii: " ") else { return nil }
        let rest = Array(line[2...])
        switch line[0] {
        case UInt8(ascii: "S"):
            guard let standing = try? Frame.decode(HandsStanding.self, from: rest) else { return nil }
            self = .standing(standing)
        case UInt8(ascii: "P"):
            let parts = String(decoding: rest, as: UTF8.self).split(separator: " ", maxSplits: 1)
            guard let id = InjectionID(String(parts.first ?? "")) else { return nil }
            self = .progress(id, parts.count > 1 ? String(parts[1]) : "")
        case UInt8(ascii: "R"): self = .forward(rest + [0x0A])
        case UInt8(ascii: "D"):
            guard let open = Int(String(decoding: rest, as: UTF8.self)) else { return nil }
            self = .done(open: open)
        case UInt8(ascii: "M"):
            guard let reply = try? Frame.decode(UndoReply.self, from: rest) else { return nil }
            self = .mended(reply)
        case UInt8(ascii: "F"):
            guard let failure = try? Frame.decode(GuardFailure.self, from: rest) else { return nil }
            self = .failed(failure)
        default: return nil
        }
    }

    func line() throws -> [UInt8] {
        switch self {
        case .standing(let standing): Array("S ".utf8) + (try Frame.encode(standing))
        case .progress(let id, let sentence):
            Array("P \(id) \(sentence.prefix(500).split(separator: "\n").joined(separator: " "))\n".utf8)
        case .forward(let line): Array("R ".utf8) + line
        case .done(let open): Array("D \(open)\n".utf8)
        case .mended(let reply): Array("M ".utf8) + (try Frame.encode(reply))
        case .failed(let failure): Array("F ".utf8) + (try Frame.encode(failure))
        }
    }
}

struct HandsStanding: Codable {
    var journal: JournalStanding
    var open: Int
}

/// What hands are told, one line each.
enum HandsOrder {
    /// A request frame of the engine's, as it came.
    static func request(_ line: [UInt8]) -> [UInt8] { Array("Q ".utf8) + line + [0x0A] }
    static let undoAll = Array("U \n".utf8)
}
