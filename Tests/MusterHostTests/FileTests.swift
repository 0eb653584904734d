import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterHost

@Suite struct FileTests {
    let test: HostUnderTest
    var host: LinuxHost { test.host }
    init() throws { test = try HostUnderTest() }

    @Test func absentThingsAreNil() throws {
        let path = test.path("absent")
        #expect(try host.status(of: path) == nil)
        #expect(try host.read(path, from: 0, count: 1) == nil)
        #expect(try host.digest(of: path) == nil)
        #expect(try host.list(path) == nil)
        #expect(try host.resolve(path) == nil)
        #expect(try host.status(of: path + "/below") == nil)
        try host.remove(path)
        try host.removeTree(path)
    }

    @Test func createdFileHasExactlyItsModeAndMustBeNew() throws {
        let before = umask(0o077)
        defer { umask(before) }
        let path = test.path("a")
        try host.createFile(path, contents: [1, 2, 3], mode: 0o664)
        let status = try #require(try host.status(of: path))
        #expect(status.kind == .file && status.size == 3 && status.mode == 0o664)
        #expect(try host.read(path, from: 1, count: 10) == [2, 3])
        let again = #expect(throws: HostError.self) {
            try host.createFile(path, contents: [], mode: 0o600)
        }
        #expect(again?.code == .exists)
        #expect(try host.read(path, from: 0, count: 10) == [1, 2, 3])
        #expect(try host.list(test.directory) == ["a"])
    }

    @Test func digestReadsMaskedRangesAsZeros() throws {
        let path = try test.put("a", "abcdef")
        #expect(try host.digest(of: path) == SHA256.hex(of: "abcdef".utf8))
        let masked: [UInt8] = [97, 0, 0, 100, 101, 0]
        #expect(try host.digest(of: path, masking: [1..<3, 5..<99]) == SHA256.hex(of: masked))
    }

    @Test func replacingKeepsOwnerModeAndLink() throws {
        let path = try test.put("a", "old")
        chmod(path, 0o640)
        if isRoot { chown(path, 12, 34) }
        symlink("a", test.path("link"))
        let before = try #require(try host.status(of: path))
        _ = try test.put(".a.muster-new", "left by a crash")
        try host.replaceFile(test.path("link"), contents: Array("new".utf8))
        let after = try #require(try host.status(of: path))
        #expect(try test.text(path) == "new")
        #expect(after.inode != before.inode)
        #expect((after.mode, after.userID, after.groupID) == (0o640, before.userID, before.groupID))
        #expect(try host.status(of: test.path("link"))?.kind == .link)
        #expect(try host.list(test.directory) == ["a", "link"])
        let missing = #expect(throws: HostError.self) {
            try host.replaceFile(test.path("b"), contents: [])
        }
        #expect(missing?.code == .notFound)
    }

    @Test func copyHasContentsOwnerAndMode() throws {
        let path = test.path("a")
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try host.createFile(path, contents: bytes, mode: 0o751)
        if isRoot { chown(path, 12, 34) }
        try host.copyFile(path, to: test.path("b"))
        #expect(try host.digest(of: test.path("b")) == SHA256.hex(of: bytes))
        let (from, to) = (try host.status(of: path), try host.status(of: test.path("b")))
        let times = try [path, test.path("b")].map { try Descriptor(opening: $0, O_RDONLY).status().st_mtim }
        #expect(times[0].tv_sec == times[1].tv_sec && times[0].tv_nsec == times[1].tv_nsec)
        #expect(to?.mode == 0o751 && to?.userID == from?.userID && to?.groupID == from?.groupID)
        let again = #expect(throws: HostError.self) { try host.copyFile(path, to: test.path("b")) }
        #expect(again?.code == .exists)
        try host.copyFile("/proc/self/mountinfo", to: test.path("c"))
        #expect(try #require(try host.status(of: test.path("c"))).size > 0, "a file that hides its size")
        #expect(throws: HostError.self) { try host.copyFile(test.directory, to: test.path("d")) }
        #expect(try host.status(of: test.path("d")) == nil)
    }

    @Test func overwritingKeepsTheInode() throws {
        let path = try test.put("a", "abcdef")
        let before = try host.status(of: path)?.inode
        try host.overwrite(path, at: 2, with: Array("XY".utf8))
        #expect(try test.text(path) == "abXYef")
        #expect(try host.status(of: path)?.inode == before)
        #expect(throws: HostError.self) { try host.overwrite(test.path("b"), at: 0, with: [1]) }
        #expect(try host.status(of: test.path("b")) == nil)
    }

    @Test func directoriesAreMadeMovedAndRemoved() throws {
        try host.createDirectory(test.path("d"), mode: 0o2775)
        #expect(try host.status(of: test.path("d"))?.mode == 0o2775)
        let again = #expect(throws: HostError.self) { try host.createDirectory(test.path("d"), mode: 0o700) }
        #expect(again?.code == .exists)
        try host.rename(test.path("d"), to: test.path("e"))
        _ = try test.put("e/f", "x")
        let full = #expect(throws: HostError.self) { try host.remove(test.path("e")) }
        #expect(full?.code == .exists)
        try host.remove(test.path("e/f"))
        try host.remove(test.path("e"))
        #expect(try host.list(test.directory) == [])
    }

    @Test func controlFilesTakeOneWrite() throws {
        let path = try test.put("control", "")
        try host.writeControl(path, "max")
        #expect(try test.text(path) == "max")
        let refused = #expect(throws: HostError.self) {
            try host.writeControl("/proc/self/oom_score_adj", "not a number")
        }
        #expect(refused?.operation == "write 'not a number' to /proc/self/oom_score_adj")
        #expect(throws: HostError.self) { try host.writeControl(test.path("absent"), "1") }
    }

    @Test func fifoDoesNotHangTheReader() throws {
        mkfifo(test.path("fifo"), 0o600)
        #expect(throws: HostError.self) { try host.read(test.path("fifo"), from: 0, count: 1) }
        #expect(try host.status(of: test.path("fifo"))?.kind == .other)
    }

    @Test func fileSystemOfWhatDoesNotExistYet() throws {
        let root = try host.fileSystem(holding: test.directory)
        #expect(try host.fileSystem(holding: test.path("not/yet/there")).mountPoint == root.mountPoint)
        let device = try host.status(of: test.directory)?.device
        #expect(root.totalBytes > 0 && root.device == device)
        #expect(try host.fileSystem(holding: "/proc/self/stat").type == "proc")
    }

    @Test func mountinfoIsUnescapedAndLongestMountWins() {
        let mounts = Mounts(
            parsing: """
                1 0 8:1 / / rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw
                2 1 7:0 / /srv/my\\040data ro,nosuid - xfs /dev/loop0 rw
                3 1 7:1 / /srv rw - ext4 /dev/loop1 ro,errors=continue
                broken
                """)
        #expect(mounts.entries.count == 3)
        #expect(mounts.entry(holding: "/srv/my data/x")?.type == "xfs")
        #expect(mounts.entry(holding: "/srv/my data/x")?.isReadOnly == true)
        #expect(mounts.entry(holding: "/srvx")?.mountPoint == "/")
        #expect(mounts.entry(holding: "/srv/other")?.isReadOnly == true)
        #expect(mounts.mountPoints(within: "/srv") == ["/srv/my data", "/srv"])
    }
}
