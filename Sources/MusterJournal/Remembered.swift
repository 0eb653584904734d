import Glibc
import MusterCore

/// What this process knows of its journal: should the file be emptied or removed under it, it can still mend that.
struct Remembered {
    private(set) var injections: [Injection] = []
    private var helpers: [InjectionID: [HelperRecord]] = [:]

    mutating func opened(_ injection: Injection) { injections.append(injection) }

    mutating func read(_ open: [Injection]) { injections = open }

    mutating func closed(_ id: InjectionID) {
        injections.removeAll { $0.id == id }
        helpers[id] = nil
    }

    mutating func started(_ helper: HelperRecord, of id: InjectionID) {
        helpers[id, default: []].append(helper)
    }

    func helpers(of id: InjectionID) -> [HelperRecord] { helpers[id] ?? [] }
}

/// Which file stands at a path (lstat(2)): one that was removed and made again is another.
struct FileIdentity: Equatable {
    private let device: UInt
    private let inode: UInt

    /// nil when there is none, or an empty one.
    init?(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_size > 0 else { return nil }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
    }
}
