import GRDB
import Glibc
import MusterCore
import MusterDrills
import Testing

@testable import MusterOutcomes

struct OpeningTests {
    @Test func commitsAreDurable() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        let (level, mode) = try store.queue.read { database in
            (
                try Int.fetchOne(database, sql: "PRAGMA synchronous"),
                try String.fetchOne(database, sql: "PRAGMA journal_mode")
            )
        }
        #expect(level == 2)
        #expect(mode == "wal")
    }

    @Test func aNewerStoreIsRefusedAndLeftAlone() throws {
        let scratch = Scratch()
        try makeStore(scratch).close()
        try raw(scratch, "PRAGMA user_version = 41")
        let before = bytes(scratch.store)
        let expected = OutcomeStoreError.newerVersion(
            path: scratch.store, found: 41, known: Schema.version)
        #expect(throws: expected) { try makeStore(scratch) }
        let isUntouched = bytes(scratch.store) == before
        #expect(isUntouched)
        #expect(expected.description.contains("version 41"))
        #expect(expected.description.contains("up to \(Schema.version)"))
    }

    @Test func rubbishIsRefusedAndLeftAlone() throws {
        let scratch = Scratch()
        write(Array("this is not a database, but somebody's notes\n".utf8), to: scratch.store)
        let before = bytes(scratch.store)
        #expect {
            try makeStore(scratch)
        } throws: { error in
            if case .notAnOutcomeStore(scratch.store, _)? = error as? OutcomeStoreError {
                true
            } else {
                false
            }
        }
        let isUntouched = bytes(scratch.store) == before
        #expect(isUntouched)
    }

    @Test func anotherProgramsDatabaseIsRefusedAndLeftAlone() throws {
        let scratch = Scratch()
        try raw(scratch, "CREATE TABLE customers (name TEXT)")
        let before = bytes(scratch.store)
        #expect {
            try makeStore(scratch)
        } throws: { error in
            if case .notAnOutcomeStore? = error as? OutcomeStoreError { true } else { false }
        }
        let isUntouched = bytes(scratch.store) == before
        #expect(isUntouched)
    }

    @Test func aDamagedStoreIsReportedAndLeftAlone() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        _ = try store.begin(makeHeader())
        let events = (1...400).map { makeEvent(.note, Int64($0) * 100, String(repeating: "x", count: 200)) }
        try store.append(events, to: makeHeader().id)
        try store.close()
        #expect(access(scratch.store + "-wal", F_OK) != 0, "everything is merged")
        var content = bytes(scratch.store)
        for index in content.count / 2..<content.count / 2 + 8192 { content[index] = 0xA5 }
        write(content, to: scratch.store)
        #expect {
            try makeStore(scratch)
        } throws: { error in
            guard case .corrupted(scratch.store, _)? = error as? OutcomeStoreError else { return false }
            return "\(error)".contains(".recover")
        }
        let isUntouched = bytes(scratch.store) == content
        #expect(isUntouched)
    }

    /// What lies on the disk after `append` is all that a killed process leaves.
    @Test func whatWasAppendedIsThereWhenTheWriterNeverCloses() throws {
        let (scratch, other) = (Scratch(), Scratch())
        let store = try makeStore(scratch, engine: ProcessIdentity(pid: 9, startTicks: 9, bootID: "b"))
        _ = try store.begin(makeHeader())
        try store.append((1...5).map { makeEvent(.note, Int64($0) * 100) }, to: makeHeader().id)
        for suffix in ["", "-wal"] { write(bytes(scratch.store + suffix), to: other.store + suffix) }
        let left = try makeStore(other)
        #expect(try left.outcome(1)?.events.count == 5)
        #expect(try left.summary(1)?.ending == .interrupted)
        guard case .intact(5, false, _) = try left.verifyChain(makeHeader().id) else {
            Issue.record("\(try left.verifyChain(makeHeader().id))")
            return
        }
        withExtendedLifetime(store) {}
    }

    @Test func readingDoesNotMakeAStore() {
        let scratch = Scratch()
        #expect(throws: OutcomeStoreError.missing(path: scratch.store)) {
            try OutcomeStore(path: scratch.store, access: .readOnly, hash: toyHash)
        }
        #expect(access(scratch.store, F_OK) != 0)
    }

    /// Whoever was to make it was killed, or had no room for it.
    @Test func aStoreThatWasOnlyBegunIsNoneToReaders() throws {
        let scratch = Scratch()
        for contents in [[], try emptyDatabase(scratch)] {
            let file = try #require(fopen(scratch.store, "w"))
            #expect(fwrite(contents, 1, contents.count, file) == contents.count)
            fclose(file)
            #expect(throws: OutcomeStoreError.missing(path: scratch.store)) {
                try OutcomeStore(path: scratch.store, access: .readOnly, hash: toyHash)
            }
        }
        let store = try makeStore(scratch)
        #expect(try store.begin(makeHeader()) == 1)
    }

    /// The bytes of a database without a table.
    private func emptyDatabase(_ scratch: Scratch) throws -> [UInt8] {
        let path = scratch.store + ".empty"
        try DatabaseQueue(path: path).vacuum()
        let file = try #require(fopen(path, "r"))
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
        return bytes
    }

    @Test func readersSeeWhatIsRecordedMeanwhile() throws {
        let scratch = Scratch()
        let store = try makeStore(scratch)
        let reader = try OutcomeStore(path: scratch.store, access: .readOnly, hash: toyHash)
        #expect(try reader.summaries(limit: nil).isEmpty)
        _ = try store.begin(makeHeader())
        #expect(try reader.summaries(limit: nil).map(\.number) == [1])
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func filesStayTheirDirectoryOwners() throws {
        let scratch = Scratch()
        chown(scratch.path, 12_345, 12_346)
        let store = try makeStore(scratch)
        _ = try store.begin(makeHeader())
        for suffix in ["", "-wal", "-shm"] {
            var status = stat()
            #expect(lstat(scratch.store + suffix, &status) == 0)
            #expect(status.st_uid == 12_345, "\(suffix)")
            #expect(status.st_gid == 12_346, "\(suffix)")
        }
    }

    private func raw(_ scratch: Scratch, _ sql: String) throws {
        let queue = try DatabaseQueue(path: scratch.store)
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
    }

    private func bytes(_ path: String) -> [UInt8] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            content += buffer[..<count]
        }
        return content
    }

    private func write(_ content: [UInt8], to path: String) {
        guard let file = fopen(path, "w") else { return }
        fwrite(content, 1, content.count, file)
        fclose(file)
    }
}
