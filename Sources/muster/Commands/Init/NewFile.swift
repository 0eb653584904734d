import Foundation
import Glibc
import MusterCore
import MusterDrills
import MusterSystem

/// A file that is written where none stands, or in the place of exactly what was read. Several are written together or
/// not at all: all of their bytes are on the disk before the first one gets its name.
struct NewFile {
    var path: String
    var text: String
    /// What stands there and was added to.
    var original: String?

    init(path: String, text: String, replacing original: String? = nil) {
        self.path = path
        self.text = text
        self.original = original
    }

    /// - Returns: what was written, with the copies of what stood there before.
    /// - Throws: `Refusal`; then nothing is left of it.
    static func write(_ files: [NewFile]) throws -> [String] {
        var work = Writing()
        do {
            for file in files { try work.stage(file) }
            for file in files { try work.place(file) }
        } catch {
            work.takeBack()
            throw error
        }
        return work.written
    }

    private struct Writing {
        var written: [String] = []
        private var staged: [String: String] = [:]
        private var placed: [String] = []
        /// Files that were replaced, with the names under which they are kept.
        private var replaced: [(target: String, backup: String)] = []
        private var directories: [String] = []

        mutating func stage(_ file: NewFile) throws {
            let target = NewFile.target(file)
            let directory = (target as NSString).deletingLastPathComponent
            try make(directory.isEmpty ? "." : directory)
            let temporary = "\(target).muster-\(getpid())"
            try NewFile.attempt(target) { () throws(SystemError) in
                let descriptor = try Descriptor(
                    opening: temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
                staged[file.path] = temporary
                try descriptor.write(Array(file.text.utf8))
                if file.original != nil { NewFile.copyRights(of: target, to: descriptor) }
                try descriptor.synchronize()
            }
            if file.original == nil { Files.giveToOwner(of: directory.isEmpty ? "." : directory, temporary) }
        }

        private mutating func make(_ directory: String) throws {
            if Files.isDirectory(directory) { return }
            let above = (directory as NSString).deletingLastPathComponent
            try make(above.isEmpty ? "." : above)
            guard mkdir(directory, 0o755) == 0 else {
                throw NewFile.refusal(directory, SystemError.last("mkdir \(directory)"))
            }
            directories.append(directory)
            Files.giveToOwner(of: above.isEmpty ? "." : above, directory)
        }

        mutating func place(_ file: NewFile) throws {
            guard let temporary = staged[file.path] else { return }
            let target = NewFile.target(file)
            if let original = file.original {
                let backup = try keep(target)
                guard (try? Files.text(target)) == original else {
                    unlink(backup)
                    throw Refusal(
                        .usage, "\(file.path) was changed by somebody else just now",
                        advice: "look at it, and try again")
                }
                guard rename(temporary, target) == 0 else {
                    let error = SystemError.last("rename \(target)")
                    unlink(backup)
                    throw NewFile.refusal(file.path, error)
                }
                replaced.append((target, backup))
                written.append("\(file.path) (as it was: \(backup))")
            } else {
                guard link(temporary, target) == 0 else {
                    throw NewFile.refusal(file.path, SystemError.last("link \(target)"))
                }
                placed.append(target)
                unlink(temporary)
                written.append(file.path)
            }
            staged[file.path] = nil
        }

        /// Another name for what stands there: it stays as it is under that name when the new file takes its own.
        private func keep(_ target: String) throws -> String {
            for number in 1...1000 {
                let backup = "\(target).before-\(number)"
                if link(target, backup) == 0 { return backup }
                if errno != EEXIST { throw NewFile.refusal(backup, SystemError.last("link \(backup)")) }
            }
            throw Refusal(.usage, "\(target) has a thousand copies", advice: "remove \(target).before-*")
        }

        func takeBack() {
            for path in staged.values { unlink(path) }
            for path in placed { unlink(path) }
            for (target, backup) in replaced.reversed() { rename(backup, target) }
            // Only what is empty goes.
            for directory in directories.reversed() { rmdir(directory) }
        }
    }

    /// A link is followed, so that it stays one.
    private static func target(_ file: NewFile) -> String {
        var status = stat()
        guard file.original != nil, lstat(file.path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else {
            return file.path
        }
        return URL(fileURLWithPath: file.path).resolvingSymlinksInPath().path
    }

    private static func copyRights(of path: String, to descriptor: Descriptor) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        fchown(descriptor.number, status.st_uid, status.st_gid)
        fchmod(descriptor.number, status.st_mode & 0o7777)
    }

    private static func attempt(_ path: String, _ body: () throws(SystemError) -> Void) throws {
        do throws(SystemError) { try body() } catch { throw refusal(path, error) }
    }

    private static func refusal(_ path: String, _ error: SystemError) -> Refusal {
        let directory = (path as NSString).deletingLastPathComponent
        let why = String(cString: strerror(error.code))
        return Refusal(
            .usage, "\(path) cannot be written: \(why); nothing was written",
            advice: error.code == EEXIST
                ? "it stands already and is never overwritten: choose another --name, or move it away"
                : "look at what stands there, who may write to it and how much room there is: "
                    + "ls -ld '\(directory.isEmpty ? "." : directory)'; df -h '\(directory.isEmpty ? "." : directory)'"
        )
    }
}
