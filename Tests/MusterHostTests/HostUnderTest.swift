import Glibc
import MusterCore
import MusterHost
import MusterSystem
import Synchronization

/// A LinuxHost with a directory, a cgroup and a journal of its own; all of it goes with it.
final class HostUnderTest {
    let directory: String
    let host: LinuxHost
    let journal = MemoryJournal()
    let id: InjectionID
    let markDirectory: String
    private static let counter = Atomic(0)

    init() throws {
        var template = Array("/tmp/muster-host-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemError.last("make a directory") }
        directory = String(cString: made)
        let number = Self.counter.add(1, ordering: .relaxed).newValue
        markDirectory = "muster-test-\(getpid())-\(number)"
        guard let id = InjectionID("test-\(getpid())x\(number)") else {
            throw SystemError("id", code: EINVAL)
        }
        self.id = id
        host = LinuxHost(
            site: GuardSite(executable: "/proc/self/exe", stateDirectory: directory), journal: journal,
            markDirectory: markDirectory)
    }

    deinit {
        try? host.endHelpers(of: id, grace: .zero, deadline: .seconds(60))
        // A child that has ended and that nobody waited for keeps exit tests, which wait for any child, from
        // seeing the end of theirs.
        for record in journal.records[id] ?? [] { waitpid(record.process.pid, nil, WNOHANG) }
        if let base = cgroupBase { rmdir(base) }
        _ = try? Spawn(["/bin/rm", "-rf", directory]).start().wait(for: .seconds(60))
    }

    /// The directory of this test's cgroups; nil without a unified hierarchy.
    var cgroupBase: String? {
        let line = (try? readSmallFile("/proc/self/mountinfo"))??.split(separator: "\n").last {
            $0.contains(" - cgroup2 ")
        }
        return line.map { "\($0.split(separator: " ")[4])/\(markDirectory)" }
    }

    func path(_ name: String) -> String { directory + "/" + name }

    func put(_ name: String, _ text: String) throws -> String {
        try host.createFile(path(name), contents: Array(text.utf8), mode: 0o644)
        return path(name)
    }

    func text(_ path: String) throws -> String? {
        try host.contents(of: path).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// A journal that remembers helpers.
final class MemoryJournal: Journal {
    var records: [InjectionID: [HelperRecord]] = [:]
    /// Runs before a helper is recorded.
    var beforeRecording: (ProcessIdentity) throws -> Void = { _ in }

    func open(_ injection: Injection) throws {}
    func close(_ id: InjectionID, _ how: Closing) throws {}
    func openInjections() throws -> [Injection] { [] }
    func record(helper: ProcessIdentity, session: Int32, of id: InjectionID) throws {
        try beforeRecording(helper)
        records[id, default: []].append(HelperRecord(process: helper, session: session))
    }
    func helpers(of id: InjectionID) throws -> [HelperRecord] { records[id] ?? [] }
    func pendingDisposals() throws -> [(InjectionID, Disposal)] { [] }
    func disposed(_ disposal: Disposal, of id: InjectionID) throws {}
}

/// Polls until a condition holds.
/// - Returns: false when a minute passed first.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let clock = SystemTimekeeper()
    let deadline = clock.monotonic() + .seconds(60)
    while try !condition() {
        if clock.monotonic() > deadline { return false }
        clock.sleep(for: .milliseconds(5))
    }
    return true
}

let isRoot = geteuid() == 0

/// Whether this user may make cgroups here.
let hasCgroups: Bool = (try? HostUnderTest()).map { $0.host.cgroup(of: $0.id) != nil } ?? false
