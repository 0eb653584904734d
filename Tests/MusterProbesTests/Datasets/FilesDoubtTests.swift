import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// What cannot be told of files is no difference, and hides none that can.
@Suite struct FilesDoubtTests {
    /// Harms that leave something unreadable to everybody but root.
    private enum Lock: CaseIterable {
        case file, directory, directoryAndALoss, all

        var places: [String] {
            switch self {
            case .file: ["docs/a.txt"]
            case .directory, .directoryAndALoss: ["docs"]
            case .all: [""]
            }
        }
    }

    private static let nobody: UInt32 = geteuid() == 0 ? 65_534 : geteuid()

    @Test(arguments: Lock.allCases) private func whatCannotBeReadIsNotMissing(_ lock: Lock) throws {
        let (folder, dataset) = try someFiles()
        defer { withExtendedLifetime(folder) {} }
        let open = Spawn(["/bin/chmod", "-R", "a+rX", folder.path])
        #expect(try open.start().wait(for: .seconds(30)) == .exited(0))
        let latch = Latch<Result<DatasetFindings, any Error>>()
        try startThread(name: "test-nobody") {
            lookAtFiles(as: Self.nobody)
            latch.set(
                Result {
                    try compareDataset("files", dataset) {
                        lookAtFiles(as: geteuid())
                        for place in lock.places { chmod(dataset.files + "/" + place, 0) }
                        if lock == .directoryAndALoss { unlink(dataset.files + "/docs.old") }
                        lookAtFiles(as: Self.nobody)
                    }
                })
        }
        let found = try #require(latch.wait(until: monotonicNow() + .seconds(300))).get()
        let name = lock == .all ? dataset.files : "\(dataset.files)/\(lock.places[0])"
        #expect(found.problems.count == 1 && found.problems[0].contains(name), "\(found)")
        #expect(found.problems[0].contains("Permission denied"), "\(found)")
        if lock == .directoryAndALoss {
            #expect(found.result == .differs && found.differences.map(\.key) == ["docs.old"], "\(found)")
            #expect(found.missing == 1 && found.ranges.count == 1, "\(found)")
        } else {
            #expect(found.result == .inconclusive && found.differences.isEmpty, "\(found)")
            #expect(found.missing == 0 && found.ranges.isEmpty && found.sentence.contains(name), "\(found)")
        }
    }

    /// It is neither what it was nor something else.
    @Test func aFileThatGrowsWhileItIsReadAgainIsNoDifference() throws {
        let (folder, dataset) = try someFiles()
        defer { withExtendedLifetime(folder) {} }
        let path = try folder.write("tree/grows", "")
        let file = try Descriptor(opening: path, O_WRONLY)
        // Without blocks, and more than is read at a time.
        #expect(ftruncate(file.number, 65 << 20) == 0)
        var length: Int64 = 65 << 20
        let found = try compareDataset(
            "files", dataset,
            meanwhile: {
                _ = try? file.write([1], at: length)
                length += 1
            })
        #expect(found.result == .inconclusive && found.missing + found.changed == 0, "\(found)")
        #expect(found.problems == ["\(path) changed while it was read"], "\(found)")
    }

    /// A file comes back to where nobody looks any more, while another one is lost for good.
    @Test(arguments: [false, true]) func aFileThatMovesMeanwhileIsNotMissing(_ isOneLost: Bool) throws {
        let (folder, dataset) = try someFiles()
        let path = { (name: String) in folder.path + "/tree/" + name }
        mkdir(path("zz"), 0o755)
        _ = try folder.write("tree/docs/deep/x", "x")
        var looks = 0
        let found = try compareDataset(
            "files", dataset,
            change: {
                rename(path("docs/deep/x"), path("zz/x"))
                if isOneLost { unlink(path("docs/b.txt")) }
            },
            meanwhile: {
                looks += 1
                // Behind docs, docs/a.txt, docs/b.txt, docs/deep and docs/deep/c.txt, and before zz.
                if looks == 6 { rename(path("zz/x"), path("docs/deep/x")) }
            })
        #expect(looks > 6)
        #expect(found.result == (isOneLost ? .differs : .inconclusive), "\(found)")
        #expect(found.differences.map(\.key) == (isOneLost ? ["docs/b.txt"] : []), "\(found)")
        #expect(found.problems == ["\(path("docs/deep")) changed while the tree was read"], "\(found)")
    }

    /// What lay below it may lie there still.
    @Test(.enabled(if: geteuid() == 0, "mounting needs root")) func whatIsMountedOverIsNotMissing() throws {
        let (folder, dataset) = try someFiles()
        defer { withExtendedLifetime(folder) {} }
        let place = folder.path + "/tree/docs"
        let mount = Spawn(["/bin/mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place])
        defer { _ = try? Spawn(["/bin/umount", place]).start().wait(for: .seconds(30)) }
        let found = try compareDataset("files", dataset) {
            let ending = try mount.start().wait(for: .seconds(30))
            #expect(ending == .exited(0))
        }
        #expect(found.result == .inconclusive && found.missing == 0, "\(found)")
        #expect(found.notes.contains { $0.contains("docs is another file system") }, "\(found)")
        #expect(found.sentence.contains("could not be looked at"), "\(found)")
    }

    @Test func namesOfAnyBytesAreRead() throws {
        let (folder, dataset) = try someFiles()
        defer { withExtendedLifetime(folder) {} }
        let odd = Array((folder.path + "/tree/d").utf8) + [0xFF]
        #expect(odd.withZero { mkdir($0, 0o755) } == 0)
        let write = { (text: String) in
            let path = odd + Array("/f".utf8) + [0xFE]
            let number = path.withZero { open($0, O_WRONLY | O_CREAT | O_TRUNC, 0o644) }
            #expect(number >= 0)
            try Descriptor(adopting: number).write(Array(text.utf8))
        }
        try write("old")
        let equal = try compareDataset("files", dataset) { try write("old") }
        #expect(equal.result == .equal && equal.before?.items == 11, "\(equal)")
        let found = try compareDataset("files", dataset) { try write("new") }
        #expect(found.result == .differs && found.changed == 1 && found.problems.isEmpty, "\(found)")
    }

    /// Names of 100 bytes each.
    private func nest(_ directory: String, _ count: Int) throws -> Descriptor {
        var place = try Descriptor(opening: directory, O_RDONLY)
        let name = String(repeating: "n", count: 100)
        for _ in 0..<count {
            #expect(mkdirat(place.number, name, 0o755) == 0)
            place = try Descriptor(opening: name, O_RDONLY, in: place)
        }
        return place
    }

    @Test func pathsLongerThanTheKernelTakesAreRead() throws {
        let (folder, dataset) = try someFiles()
        defer { withExtendedLifetime(folder) {} }
        let deepest = try nest(folder.path + "/tree/docs", Int(PATH_MAX) / 100 + 10)
        let write = { (text: String) in
            try Descriptor(opening: "deep", O_WRONLY | O_CREAT | O_TRUNC, in: deepest).write(Array(text.utf8))
        }
        try write("old")
        let equal = try compareDataset("files", dataset)
        #expect(equal.result == .equal && equal.problems.isEmpty, "\(equal)")
        let found = try compareDataset("files", dataset) { try write("new") }
        #expect(found.changed == 1 && found.problems.isEmpty, "\(found)")
        #expect(found.differences.first?.key.hasSuffix("nnn/deep") == true, "\(found)")
    }

    @Test func treesThatAreDeeperThanCanBeReadAreSaidToBe() throws {
        let (folder, dataset) = try someFiles()
        defer { withExtendedLifetime(folder) {} }
        _ = try nest(folder.path + "/tree/docs", TreeWalk.deepest)
        let problem = try problem(reading: "files", dataset)
        let words = "lies deeper than \(TreeWalk.deepest) directories"
        #expect(problem?.contains(words) == true, "\(problem ?? "")")
    }
}

/// What a comparison concludes from readings, told to it row by row.
@Suite struct DatasetComparisonTests {
    /// - Parameter rows: their keys, with what they hold.
    private func reading(
        _ rows: [(Int64, UInt128)], after earlier: DatasetPass? = nil, in folder: TemporaryFolder,
        _ doubt: (DatasetPass) -> Void = { _ in }
    ) throws -> DatasetPass {
        let pass = try DatasetPass(
            after: earlier, KeyNames(run: "01TEST"), ledger: nil, directory: folder.path,
            within: .seconds(60), isCancelled: { false })
        pass.begin("t", shape: "", key: ["id"])
        for (number, hash) in rows {
            var key: [UInt8] = []
            DatasetKey.append(number, to: &key)
            try pass.add(key, hash)
        }
        doubt(pass)
        pass.finish()
        return pass
    }

    private func compare(
        _ before: [(Int64, UInt128)], _ after: [(Int64, UInt128)], _ doubt: (DatasetPass) -> Void = { _ in }
    ) throws -> DatasetFindings {
        let folder = try TemporaryFolder()
        let old = try reading(before, in: folder)
        let new = try reading(after, after: old, in: folder, doubt)
        var findings = DatasetFindings(name: "it", kind: "sqlite")
        findings.before = old.extent
        findings.after = new.extent
        DatasetComparison(before: old, after: new, ownTables: []).run(into: &findings)
        findings.conclude()
        return findings
    }

    /// Ranges of keys mean nothing then, and the sum of all rows does.
    @Test func rowsInNoOrderAreComparedAsAWhole() throws {
        let same = try compare([(1, 10), (2, 20), (3, 30)], [(1, 10), (3, 30), (2, 20)])
        #expect(same.result == .inconclusive && same.missing + same.extra == 0, "\(same)")
        let others = try compare([(1, 10), (2, 20), (3, 30)], [(1, 10), (3, 30), (2, 21)])
        #expect(others.result == .differs && others.missing + others.extra + others.changed == 0, "\(others)")
        #expect(others.sentence.contains("which ones cannot be told: 3 before and 3 after"), "\(others)")
    }

    @Test func aTableOfWhichNothingIsKnownDiffersInNothing() throws {
        let doubt = { (pass: DatasetPass) in pass.doubt("hidden") { $0.addAll() } }
        let hidden = try compare([(1, 10), (2, 20)], [], doubt)
        #expect(hidden.result == .inconclusive && hidden.sentence == "'it': hidden", "\(hidden)")
        #expect(try compare([(1, 10), (2, 20)], []).isEmptied)
    }
}
