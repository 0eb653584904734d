import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

@Suite struct FilesDatasetTests {
    @Test func whatWasNotTouchedIsEqualAndItsTimesMayBeOthers() throws {
        let (folder, dataset) = try someFiles()
        let found = try compareDataset("files", dataset) {
            utimes(folder.path + "/tree/docs/a.txt", nil)
            let copy = Spawn(["/bin/cp", "-a", folder.path + "/tree", folder.path + "/copy"])
            let ending = try copy.start().wait(for: .seconds(30))
            #expect(ending == .exited(0))
            rename(folder.path + "/tree", folder.path + "/old")
            rename(folder.path + "/copy", folder.path + "/tree")
        }
        #expect(found.result == .equal && found.problems.isEmpty, "\(found)")
        #expect(found.before?.items == 9 && found.before?.sum == found.after?.sum)
    }

    private enum Harm: CaseIterable {
        case remove, spoil, sameLength, mode, link, linkToFile, add, kind, owner, attribute
    }

    private static let harmsForAll: [Harm] = Harm.allCases.filter { ![.owner, .attribute].contains($0) }
    /// Where a test can make an extended attribute: trusted ones are root's, and every file system of Linux has those.
    private static let attribute: String? = {
        guard let folder = try? TemporaryFolder(), let file = try? folder.write("x", "x") else { return nil }
        return ["user.muster", "trusted.muster"].first { setAttribute(file, $0, [1]) == 0 }
    }()

    @Test(arguments: harmsForAll) private func everyHarmIsFoundWhereItWasDone(_ harm: Harm) throws {
        try check(harm)
    }

    @Test(.enabled(if: geteuid() == 0, "only root gives files away")) func anotherOwnerIsFound() throws {
        try check(.owner)
    }

    @Test(.enabled(if: attribute != nil, "no extended attributes in /tmp")) func anAttributeIsFound() throws {
        try check(.attribute)
    }

    private func check(_ harm: Harm) throws {
        let (folder, dataset) = try someFiles()
        let path = { (name: String) in folder.path + "/tree/" + name }
        var wanted = DatasetDifference(.changed, part: "", key: "docs/a.txt", detail: "contents")
        let found = try compareDataset("files", dataset) {
            switch harm {
            case .remove:
                unlink(path("docs/a.txt"))
                wanted = DatasetDifference(.missing, part: "", key: "docs/a.txt")
            case .spoil: _ = try folder.write("tree/docs/a.txt", "alpha and more")
            case .sameLength: _ = try folder.write("tree/docs/a.txt", "alphA")
            case .mode:
                chmod(path("docs/a.txt"), 0o600)
                wanted.detail = "attributes"
            case .link:
                unlink(path("link"))
                symlink("docs/b.txt", path("link"))
                wanted.key = "link"
            case .linkToFile:
                unlink(path("link"))
                // What the link led to, and what it said.
                _ = try folder.write("tree/link", "docs/a.txt")
                wanted.key = "link"
                wanted.detail = "attributes"
            case .add:
                _ = try folder.write("tree/docs/deep/new", "x")
                wanted = DatasetDifference(.extra, part: "", key: "docs/deep/new")
            case .kind:
                rmdir(path("empty"))
                symlink("docs", path("empty"))
                wanted = DatasetDifference(.changed, part: "", key: "empty", detail: "contents")
            case .owner:
                #expect(chown(path("docs/a.txt"), 4321, gid_t.max) == 0)
                wanted.detail = "attributes"
            case .attribute:
                let name = try #require(Self.attribute)
                #expect(setAttribute(path("docs/a.txt"), name, [7]) == 0)
                wanted.detail = "attributes"
            }
        }
        #expect(found.result == .differs && found.differences == [wanted], "\(found)")
        #expect(found.missing + found.extra + found.changed == 1 && found.differingRanges == 1)
        #expect(found.ranges.count == 1 && found.sentence.contains(wanted.key))
    }

    /// What is damaged through one name is damaged under the other one too. Whether two names are one file is not compared.
    @Test func hardLinksAreFilesOfTheirOwn() throws {
        let (folder, dataset) = try someFiles()
        let (one, other) = (folder.path + "/tree/docs/a.txt", folder.path + "/tree/hard")
        #expect(link(one, other) == 0)
        let parted = try compareDataset("files", dataset) {
            unlink(other)
            _ = try folder.write("tree/hard", "alpha")
        }
        #expect(parted.result == .equal && parted.before?.items == 10, "\(parted)")
        unlink(other)
        #expect(link(one, other) == 0)
        let damaged = try compareDataset("files", dataset) { _ = try folder.write("tree/hard", "alphA") }
        #expect(damaged.differences.map(\.key) == ["docs/a.txt", "hard"], "\(damaged)")
    }

    @Test func whatIsEmptyIsCalledSo() throws {
        let (folder, dataset) = try someFiles()
        let found = try compareDataset("files", dataset) {
            rename(folder.path + "/tree", folder.path + "/old")
            mkdir(folder.path + "/tree", 0o755)
        }
        // The directory itself is there, and nothing of what was in it.
        #expect(found.result == .differs && found.missing == 8, "\(found)")
        #expect(found.sentence == "'it': it is empty: all 9 files are gone")
    }

    @Test func theRunsOwnIsAccountedForByItsLedger() throws {
        for (outcome, value, isExplained) in [
            (LedgerEntry.Outcome.ok, ownValue, true), (.info, ownValue, true), (.fail, ownValue, false),
            (.ok, ownValue + "!", false),
        ] {
            let (folder, dataset) = try someFiles()
            let found = try compareDataset("files", dataset, ledger: ledger(outcome)) {
                mkdir(folder.path + "/tree/muster-01TEST", 0o755)
                _ = try folder.write("tree/muster-01TEST/muster-01TEST-0-1", value)
            }
            #expect((found.result == .equal) == isExplained, "\(outcome): \(found)")
            #expect(found.explained == (isExplained ? 1 : 0))
        }
    }

    @Test func socketsPipesAndWhatIsLeftOutAreSaid() throws {
        var (folder, dataset) = try someFiles()
        dataset.exclude = ["*.old", "docs/deep"]
        mkfifo(folder.path + "/tree/pipe", 0o600)
        let found = try compareDataset("files", dataset) {
            _ = try folder.write("tree/docs.old", "another")
            _ = try folder.write("tree/docs/deep/c.txt", "another")
        }
        #expect(found.result == .equal && found.before?.items == 7, "\(found)")
        #expect(found.notes.count == 1 && found.notes[0].contains("pipe is a pipe"), "\(found.notes)")
    }

    @Test func whatIsGoneIsCalledSoAndBeforeTheFaultItIsNoDrill() throws {
        let (folder, dataset) = try someFiles()
        let gone = try compareDataset("files", dataset) {
            rename(folder.path + "/tree", folder.path + "/old")
        }
        #expect(gone.result == .differs && gone.after == nil && gone.problems.isEmpty, "\(gone)")
        #expect(gone.sentence == "'it': it is gone; 9 missing of 9 files", "\(gone.sentence)")
        let problem = try problem(reading: "files", dataset)
        #expect(problem?.contains("\(dataset.files): No such file") == true, "\(problem ?? "")")
    }

    /// A file that is written while it is read is neither its old self nor its new one.
    @Test func whatChangesWhileItIsReadIsSaid() throws {
        let (folder, dataset) = try someFiles()
        let writing = Spawn([
            "/bin/sh", "-c", "while :; do echo x >>\"$1\"; done", "sh", folder.path + "/tree/docs/deep/c.txt",
        ])
        let writer = try writing.start()
        defer {
            _ = try? writer.kill()
            _ = try? writer.wait(for: .seconds(10))
        }
        let taker = DatasetTaker(
            [DrillDataset(name: "it", kind: "files", dataset: dataset, setting: DatasetSetting())],
            run: "01TEST", directory: folder.path)
        var problem: String?
        #expect(
            eventually {
                problem = taker.takeBefore(isCancelled: { false }, note: { _ in })
                return problem != nil
            })
        #expect(problem?.contains("changed while") == true, "\(problem ?? "")")
    }

    @Test func whoBreaksItOffEndsIt() throws {
        let (folder, dataset) = try someFiles()
        let taker = DatasetTaker(
            [DrillDataset(name: "it", kind: "files", dataset: dataset, setting: DatasetSetting())],
            run: "01TEST", directory: folder.path)
        #expect(taker.takeBefore(isCancelled: { true }, note: { _ in })?.contains("broken off") == true)
    }
}
