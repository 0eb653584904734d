import Glibc
import MusterCore
import MusterHost
import MusterSystem
import Testing

@Suite struct TreeTests {
    let test: HostUnderTest
    var host: LinuxHost { test.host }
    init() throws { test = try HostUnderTest() }

    private func command(_ argv: String...) throws {
        let result = try host.query(argv, deadline: .seconds(60))
        try #require(result.succeeded, "\(argv): \(result.errors)")
    }

    @Test func treeGoesAndLinkedThingsStay() throws {
        for path in ["tree", "tree/a", "tree/a/b", "other"] {
            try host.createDirectory(test.path(path), mode: 0o700)
        }
        let kept = try test.put("other/kept", "x")
        _ = try test.put("tree/a/b/c", "x")
        symlink(test.path("other"), test.path("tree/link"))
        mkfifo(test.path("tree/fifo"), 0o600)
        try host.removeTree(test.path("tree"))
        #expect(try host.status(of: test.path("tree")) == nil)
        #expect(try test.text(kept) == "x")
        symlink(test.path("other"), test.path("link"))
        try host.removeTree(test.path("link"))
        #expect(try test.text(kept) == "x", "a link itself goes, not what it points to")
    }

    @Test(arguments: ["/", "/tmp", "tmp/x", "/tmp/../etc", "/tmp/./x", ""])
    func dangerousPathsAreRefused(path: String) throws {
        let error = #expect(throws: HostError.self) { try host.removeTree(path) }
        #expect(error?.code == .notPermitted)
    }

    @Test(.enabled(if: isRoot), arguments: [true, false]) func mountsAreNotCrossed(isBind: Bool) throws {
        for path in ["tree", "tree/mount", "outside"] {
            try host.createDirectory(test.path(path), mode: 0o700)
        }
        _ = try test.put("outside/kept", "x")
        if isBind {
            try command("mount", "--bind", test.path("outside"), test.path("tree/mount"))
        } else {
            try command("mount", "-t", "tmpfs", "tmpfs", test.path("tree/mount"))
            _ = try test.put("tree/mount/kept", "x")
        }
        let error = #expect(throws: HostError.self) { try host.removeTree(test.path("tree")) }
        #expect(error?.code == .busy)
        #expect(try test.text(test.path("tree/mount/kept")) == "x")
        try command("umount", test.path("tree/mount"))
        try host.removeTree(test.path("tree"))
        #expect(try test.text(test.path("outside/kept")) == "x")
    }

    /// ext2 has no fallocate(2), so that blocks are taken by writing.
    @Test(.enabled(if: isRoot), arguments: ["ext4", "ext2"])
    func allocationStopsWhenTheFileSystemIsFull(type: String) throws {
        let image = test.path("image")
        let mount = test.path("mount")
        #expect(try host.allocate(image, size: 48 << 20, deadline: .seconds(60)) == 48 << 20)
        try host.createDirectory(mount, mode: 0o755)
        try command("mkfs.\(type)", "-q", "-F", "-m", "0", image)
        try command("mount", "-t", type, "-o", "loop", image, mount)
        defer { _ = try? host.query(["umount", mount], deadline: .seconds(60)) }
        let system = try host.fileSystem(holding: mount)
        #expect(system.type == type && system.mountPoint == mount && system.source.hasPrefix("/dev/loop"))

        #expect(try host.allocate(mount + "/some", size: 5 << 20, deadline: .seconds(60)) == 5 << 20)
        let some = try #require(try host.status(of: mount + "/some"))
        #expect(some.allocated >= 5 << 20)
        let taken = try host.allocate(mount + "/fill", size: 1 << 30, deadline: .seconds(60))
        #expect(taken > 20 << 20 && taken < 48 << 20)
        #expect(try host.fileSystem(holding: mount).availableBytes < 64 << 10)
        let full = #expect(throws: HostError.self) {
            try host.createFile(mount + "/more", contents: [UInt8](repeating: 1, count: 1 << 20), mode: 0o600)
        }
        #expect(full?.code == .noSpace)
        #expect(try host.status(of: mount + "/more") == nil, "what was begun is gone")
    }

    @Test func allocationStopsAtItsDeadline() throws {
        #expect(try host.allocate(test.path("a"), size: 1 << 20, deadline: .zero) == 0)
    }
}
