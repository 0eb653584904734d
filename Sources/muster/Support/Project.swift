import Foundation
import MusterCore
import MusterDrills

/// Where a drill's things lie: the nearest ancestor of the drill that has `runbooks/`, else the working
/// directory.
struct Project: Sendable {
    var root: String

    init(containing path: String) {
        var directory = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        if !Files.isDirectory(directory.path) { directory.deleteLastPathComponent() }
        while directory.path != "/" {
            if Self.isRoot(directory.path) {
                root = directory.path
                return
            }
            directory.deleteLastPathComponent()
        }
        root = FileManager.default.currentDirectoryPath
    }

    /// Whether something lies there that only lies at the top of a project.
    private static func isRoot(_ path: String) -> Bool {
        Files.isDirectory(path + "/runbooks")
            || ["services", "schedules", "notify"].contains { Files.exists("\(path)/drills/\($0).yaml") }
    }

    /// The project of the working directory.
    static var current: Project { Project(containing: FileManager.default.currentDirectoryPath) }

    var runbooks: String { root + "/runbooks" }
    var services: String { root + "/drills/services.yaml" }
    var notify: String { root + "/drills/notify.yaml" }
    var schedules: String { root + "/drills/schedules.yaml" }

    /// A drill as a schedule names it: from the project's folder on, or an absolute path.
    func path(ofDrill name: String) -> String { name.hasPrefix("/") ? name : root + "/" + name }

    /// `--outcomes`, else `MUSTER_OUTCOMES`, else `runbooks/outcomes.sqlite`.
    func outcomesPath(_ given: String?) -> String {
        given ?? ProcessInfo.processInfo.environment["MUSTER_OUTCOMES"] ?? runbooks + "/outcomes.sqlite"
    }
}

/// Small answers about files, in one place.
enum Files {
    static func isDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
            && isDirectory.boolValue
    }

    /// The same from every working directory.
    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// Also a link that leads nowhere.
    static func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// - Parameter most: how many bytes it may have.
    /// - Throws: `Refusal` with exit code 2 when the file cannot be read as text.
    static func text(_ path: String, atMost most: Int = 16 << 20) throws -> String {
        let data = try beginning(of: path, most + 1)
        guard data.count <= most else {
            throw Refusal(
                .usage, "\(path) is larger than \(ByteCount(Int64(most)).forPeople)",
                advice: "name the right file")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw Refusal(.usage, "\(path): not UTF-8 text", advice: "save the file as UTF-8")
        }
        return text
    }

    /// Every file of a project is read through here. A named pipe or a device is none: whoever reads it waits for
    /// somebody who may never write. A shell's `<(…)` is a pipe without a name, and read until its end.
    /// - Parameter most: how many bytes, if it has as many; a few more may come.
    /// - Throws: `Refusal` with exit code 2 when the file cannot be read, or is no regular file.
    static func beginning(of path: String, _ most: Int) throws -> Data {
        // O_NONBLOCK: opening a named pipe waits for a writer without it (fifo(7)).
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw unreadable(path, errno) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(path, errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw Refusal(.usage, "\(path) is a directory", advice: "name a file in it")
        case S_IFIFO where isNameless(descriptor): _ = fcntl(descriptor, F_SETFL, 0)
        default:
            throw Refusal(
                .usage, "\(path) is no regular file",
                advice: "name a file; what is a pipe or a device here is not waited for")
        }
        var data = Data()
        while data.count < most, let more = try file.read(upToCount: 1 << 16), !more.isEmpty {
            data += more
        }
        return data
    }

    private static func unreadable(_ path: String, _ code: Int32) -> Refusal {
        switch code {
        case ENOENT, ENOTDIR: Refusal(.usage, "\(path): there is no such file", advice: "check the path")
        // Sockets, and devices that nobody drives (open(2)).
        case ENXIO, ENODEV: Refusal(.usage, "\(path) is no regular file", advice: "name a file")
        default:
            Refusal(
                .usage, "\(path): the file cannot be read",
                advice: "check its permissions (\(errnoWords(code)))")
        }
    }

    private static func errnoWords(_ code: Int32) -> String { String(cString: strerror(code)) }

    /// Whether a pipe lies in no directory (proc(5), `/proc/pid/fd`).
    private static func isNameless(_ descriptor: Int32) -> Bool {
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
        return target?.hasPrefix("pipe:[") ?? false
    }

    /// Writes a file that people may be reading, by rename; it belongs to whoever owns the directory, so that
    /// a run under sudo leaves nothing of root's in a user's checkout.
    /// - Throws: `Refusal`.
    static func write(_ text: String, to path: String) throws {
        let directory = (path as NSString).deletingLastPathComponent
        do {
            if !isDirectory(directory) {
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
                giveToOwner(of: (directory as NSString).deletingLastPathComponent, directory)
            }
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw Refusal(
                .usage, "\(path) cannot be written\(reason(error))",
                advice: "look at what stands there, who may write to it and how much room there is: "
                    + "ls -ld '\(directory)'; df -h '\(directory)'")
        }
        giveToOwner(of: directory, path)
    }

    private static func reason(_ error: any Error) -> String {
        switch (error as? CocoaError)?.code {
        case .fileWriteNoPermission?: ": permission denied"
        case .fileWriteOutOfSpace?: ": no space left on the device"
        case .fileWriteVolumeReadOnly?: ": its file system is read-only"
        case .fileWriteFileExists?: ": something that is no directory is in the way"
        default: ""
        }
    }

    static func giveToOwner(of directory: String, _ path: String) {
        guard geteuid() == 0, let attributes = try? FileManager.default.attributesOfItem(atPath: directory),
            let owner = attributes[.ownerAccountID] as? NSNumber,
            let group = attributes[.groupOwnerAccountID] as? NSNumber
        else { return }
        _ = lchown(path, owner.uint32Value, group.uint32Value)
    }

    /// The directory of the running binary, where its sisters lie.
    static var besideUs: String {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            ?? CommandLine.arguments[0]
        return (own as NSString).deletingLastPathComponent
    }

    /// A program by name: beside `muster` first, then along PATH; nil when there is none.
    static func program(_ name: String) -> String? {
        if name.contains("/") { return FileManager.default.isExecutableFile(atPath: name) ? name : nil }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let places = [besideUs] + path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
        return places.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}
