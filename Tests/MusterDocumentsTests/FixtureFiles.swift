import Foundation

/// Files under `Fixtures`, found beside the sources so that `RECORD=1` can write golden files anew.
enum FixtureFiles {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    static var recording: Bool { ProcessInfo.processInfo.environment["RECORD"] == "1" }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: folder.appending(path: path), encoding: .utf8)
    }

    /// The golden text of that name; written first when recording.
    static func golden(_ path: String, recording text: String) throws -> String {
        let file = folder.appending(path: path)
        if recording { try text.write(to: file, atomically: true, encoding: .utf8) }
        return try String(contentsOf: file, encoding: .utf8)
    }
}
