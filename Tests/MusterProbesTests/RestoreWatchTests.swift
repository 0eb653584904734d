import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// A backup, and a place for it.
private struct GivenPlaces {
    let folder: TemporaryFolder
    var plan: RestorePlan
    func path(_ name: String) -> String { folder.path + "/" + name }

    init() throws {
        folder = try TemporaryFolder()
        plan = RestorePlan(source: [folder.path + "/backup"], into: folder.path + "/place")
        mkdir(path("backup"), 0o755)
        mkdir(path("backup/base"), 0o755)
        _ = try folder.write("backup/manifest", "all of it")
        _ = try folder.write("backup/base/data", "data")
    }

    /// Why the place is refused; nil when it is not.
    var refusal: String? {
        do throws(RestoreRefusal) {
            try RestorePlace.check(plan)
            return nil
        } catch {
            return error.description
        }
    }

    func watch(isCancelled: @escaping @Sendable () -> Bool = { false }) throws -> RestoreWatch {
        try RestoreWatch(plan, directory: path("index"), isCancelled: isCancelled, note: { _ in })
    }
}

@Suite struct RestorePlaceTests {
    @Test func aPlaceThatIsNotThereOrEmptyWillDo() throws {
        let given = try GivenPlaces()
        #expect(given.refusal == nil)
        mkdir(given.plan.into, 0o755)
        #expect(given.refusal == nil)
        var deep = given
        deep.plan.into = given.path("not/there/yet")
        #expect(deep.refusal == nil)
    }

    private enum Occupant: String, CaseIterable {
        case file, dotfile, link, danglingLink, lostAndFound, plainFile
    }

    @Test(arguments: Occupant.allCases) private func whateverIsThereIsRefused(_ occupant: Occupant) throws {
        let given = try GivenPlaces()
        let place = given.plan.into
        switch occupant {
        case .file, .dotfile, .lostAndFound: mkdir(place, 0o755)
        case .link:
            mkdir(given.path("elsewhere"), 0o755)
            symlink(given.path("elsewhere"), place)
        case .danglingLink: symlink(given.path("nowhere"), place)
        case .plainFile: _ = try given.folder.write("place", "mine")
        }
        let words: String
        switch occupant {
        case .file:
            _ = try given.folder.write("place/data", "mine")
            words = "it is not empty (1 entry, such as 'data')"
        case .dotfile:
            _ = try given.folder.write("place/.hidden", "mine")
            words = "it is not empty (1 entry, such as '.hidden')"
        case .lostAndFound:
            mkdir(place + "/lost+found", 0o700)
            words = "name a directory below it"
        case .link, .danglingLink: words = "a link is there"
        case .plainFile: words = "something that is no directory is there"
        }
        #expect(given.refusal?.contains(words) == true, "\(given.refusal ?? "accepted")")
        #expect(throws: RestoreRefusal.self) { try given.watch() }
    }

    /// The text of both paths says nothing: one leads into the other by a link.
    @Test func aPlaceThatALinkLeadsIntoTheBackupIsRefused() throws {
        var given = try GivenPlaces()
        symlink(given.path("backup"), given.path("mounted"))
        given.plan.source = [given.path("mounted")]
        given.plan.into = given.path("backup/new")
        #expect(given.refusal?.contains("it lies in the backup") == true, "\(given.refusal ?? "accepted")")
        // The other way round, and deeper than anything that is there.
        given.plan.source = [given.path("backup/base")]
        given.plan.into = given.path("mounted/base/not/there/yet")
        #expect(given.refusal?.contains("it lies in the backup") == true, "\(given.refusal ?? "accepted")")
        given.plan.into = given.path("mounted/beside")
        #expect(given.refusal == nil)
        symlink(given.path("nowhere"), given.path("dangling"))
        given.plan.into = given.path("dangling/new")
        #expect(given.refusal?.contains("cannot be told") == true, "\(given.refusal ?? "accepted")")
    }

    /// Empty to everybody who looks, and yet the backup: the directory that holds it is what it is mounted on.
    @Test func anEmptyBackupIsNoPlaceEither() throws {
        var given = try GivenPlaces()
        mkdir(given.path("empty"), 0o755)
        symlink(given.path("empty"), given.path("mounted"))
        given.plan.source = [given.path("mounted")]
        given.plan.into = given.path("empty")
        #expect(given.refusal?.contains("it lies in the backup") == true, "\(given.refusal ?? "accepted")")
    }

    @Test(.enabled(if: geteuid() != 0, "root may look at everything"))
    func aPlaceThatCannotBeLookedAtIsRefused() throws {
        let given = try GivenPlaces()
        mkdir(given.plan.into, 0o300)
        #expect(given.refusal?.contains("cannot be told: Permission denied") == true)
    }

    @Test func filesBelowAPlaceAreCounted() throws {
        let given = try GivenPlaces()
        symlink("manifest", given.path("backup/newest"))
        #expect(RestorePlace.files(in: given.path("backup")) == 3)
        #expect(RestorePlace.files(in: given.path("nowhere")) == nil)
        #expect(RestorePlace.files(in: given.path("backup/manifest")) == nil)
    }
}

@Suite struct RestoreWatchTests {
    /// While the source was read, which may take minutes, somebody else began to use the place.
    @Test func aPlaceThatIsFilledWhileTheSourceIsReadIsRefused() throws {
        let given = try GivenPlaces()
        let place = given.plan.into
        #expect(
            throws: RestoreRefusal(
                description:
                    "refused to restore into \(place): it is not empty (1 entry, such as 'theirs'), and a "
                    + "restore must never run into what is there; name a place that is not there yet, or move aside "
                    + "what it holds")
        ) {
            // Whoever reads a tree asks for every file whether to go on.
            try given.watch(isCancelled: {
                mkdir(place, 0o755)
                mkdir(place + "/theirs", 0o755)
                return false
            })
        }
    }

    @Test func aSourceThatCannotBeReadInTimeOrIsNotThereIsRefused() throws {
        var given = try GivenPlaces()
        given.plan.within = .zero
        let late = #expect(throws: RestoreRefusal.self) { try given.watch() }
        #expect(late?.description.contains("could not be read within") == true, "\(late?.description ?? "")")
        #expect(late?.description.contains("'within'") == true)
        given.plan.within = .seconds(60)
        given.plan.source = [given.path("nowhere")]
        let missing = #expect(throws: RestoreRefusal.self) { try given.watch() }
        #expect(missing?.description.contains("No such file") == true)
    }

    private enum Harm: CaseIterable {
        case none, touch, delete, mode, lock, passingLock, remove, contents
    }

    @Test(arguments: Harm.allCases) private func nothingThatIsDoneToTheSourceGoesUnseen(_ harm: Harm) throws {
        let given = try GivenPlaces()
        let watch = try given.watch()
        let manifest = given.path("backup/manifest")
        var words = "'\(given.path("backup"))': "
        switch harm {
        case .none: words = ""
        case .touch:
            utimes(manifest, nil)
            words += "1 changed of 4 files (the first: manifest)"
        case .delete:
            unlink(manifest)
            words += "1 missing, 1 changed of 4 files"
        case .mode:
            chmod(manifest, 0o600)
            words += "1 changed of 4 files (the first: manifest)"
        case .lock:
            _ = try given.folder.write("backup/base/lock", "")
            words += "1 changed, 1 extra of 4 files"
        // Gone again before anybody looks; the directory remembers.
        case .passingLock:
            _ = try given.folder.write("backup/base/lock", "")
            unlink(given.path("backup/base/lock"))
            words += "1 changed of 4 files (the first: base)"
        case .remove:
            rename(given.path("backup"), given.path("stolen"))
            words = "'\(given.path("backup"))': it is gone"
        case .contents:
            _ = try given.folder.write("backup/base/data", "DATA")
            words += "1 changed of 4 files (the first: base/data)"
        }
        let end = watch.end(note: { _ in })
        let changed = end["sourceChanged"]?.asText
        #expect(harm == .none ? changed == "" : changed?.hasPrefix(words) == true, "\(end)")
        #expect(end["sourceProblem"] == nil)
    }

    @Test func whatWasReadAndRestoredIsToldAndNothingIsLeft() throws {
        let given = try GivenPlaces()
        var read: [DatasetTaker.Reading] = []
        let watch = try RestoreWatch(
            given.plan, directory: given.path("index"), isCancelled: { false }, note: { read.append($0) })
        mkdir(given.plan.into, 0o755)
        _ = try given.folder.write("place/data", "restored")
        let end = watch.end(note: { read.append($0) })
        #expect(end["restored"] == 1 && end["source"]?.asMap?.count == 1, "\(end)")
        #expect(read.map(\.dataset) == [given.path("backup"), given.path("backup")])
        #expect(read.map(\.extent.items) == [4, 4] && read[0].extent.sum == read[1].extent.sum)
        #expect(read.allSatisfy { $0.extent.read.width > .zero })
        #expect(FileSteps.names(in: given.path("index")) == [], "an index has a name")
    }
}
