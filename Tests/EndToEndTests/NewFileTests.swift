import Foundation
import Testing

@testable import muster

/// Files that are written together or not at all.
@Suite struct NewFileTests {
    /// The first is in its place when the second turns out to stand already.
    @Test func aFileThatWasReplacedStandsAgainWhenALaterOneCannotBeWritten() throws {
        let directory = FileManager.default.temporaryDirectory.appending(
            path: "new-file-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        func write(_ name: String, _ text: String) throws -> String {
            let path = directory.appending(path: name).path
            try text.write(toFile: path, atomically: false, encoding: .utf8)
            return path
        }
        let services = try write("services.yaml", "before\n")
        let standing = try write("drill.yaml", "mine\n")
        let new = directory.appending(path: "runbooks/new.md").path
        let error = #expect(throws: Refusal.self) {
            try NewFile.write([
                NewFile(path: new, text: "new\n"),
                NewFile(path: services, text: "after\n", replacing: "before\n"),
                NewFile(path: standing, text: "theirs\n"),
            ])
        }
        #expect(error?.message.contains("nothing was written") == true)
        #expect(try String(contentsOfFile: services, encoding: .utf8) == "before\n")
        #expect(try String(contentsOfFile: standing, encoding: .utf8) == "mine\n")
        let left = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        #expect(left == ["drill.yaml", "services.yaml"])
        // And when nothing is in the way, what stood there is kept beside it.
        let written = try NewFile.write([
            NewFile(path: services, text: "after\n", replacing: "before\n"),
            NewFile(path: new, text: "new\n"),
        ])
        #expect(written == ["\(services) (as it was: \(services).before-1)", new])
        #expect(try String(contentsOfFile: services + ".before-1", encoding: .utf8) == "before\n")
    }
}
