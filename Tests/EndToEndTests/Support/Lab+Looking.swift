import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension Lab {
    /// Waits until something is so.
    /// - Returns: how long it took; nil when it did not come true in time.
    @discardableResult
    func eventually(within limit: Duration = .seconds(60), _ condition: () throws -> Bool) rethrows
        -> Duration?
    {
        let start = clock.monotonic()
        while true {
            if try condition() { return clock.monotonic() - start }
            if clock.monotonic() - start > limit { return nil }
            clock.sleep(for: .milliseconds(3))
        }
    }

    // MARK: Processes

    private func arguments(of pid: Int32) -> [String] {
        let text = (try? readSmallFile("/proc/\(pid)/cmdline")) ?? nil
        return (text ?? "").split(separator: "\0").map(String.init)
    }

    /// The child of a process whose first argument is `role`: `guard`, `warden`, `hands`, `supervise`.
    func child(of pid: Int32, named role: String) -> Int32? {
        let stream = opendir("/proc/\(pid)/task")
        defer { if let stream { closedir(stream) } }
        // A child hangs on the thread that made it (proc(5), task/TID/children).
        while let stream, let entry = readdir(stream) {
            let thread = Self.name(entry)
            let text = (try? readSmallFile("/proc/\(pid)/task/\(thread)/children")) ?? nil
            for child in (text ?? "").split(separator: " ").compactMap({ Int32($0) })
            where arguments(of: child).dropFirst().first == role { return child }
        }
        return nil
    }

    /// The service under test, two below the hands: hands → supervisor → service.
    func service() throws -> Int32 {
        let found = leftovers().first { pid in
            arguments(of: pid).first.map { ($0 as NSString).lastPathComponent == "sample-service" } ?? false
        }
        return try #require(found, "no sample-service runs: \(leftoversInWords())")
    }

    func isAlive(_ pid: Int32) -> Bool { Self.isAlive(pid) }

    private static func isAlive(_ pid: Int32) -> Bool {
        guard let stat = (try? ProcessStat.read(pid)) ?? nil else { return false }
        return !stat.isZombie
    }

    func isStopped(_ pid: Int32) -> Bool { ((try? ProcessStat.read(pid)) ?? nil)?.state == "T" }

    /// Processes of this lab: its state directory stands in their environment, or a run of its in their arguments.
    func leftovers() -> [Int32] { Self.processes(of: directory) }

    /// - Parameter directory: of a lab, which may be gone.
    static func processes(of directory: String) -> [Int32] {
        guard let stream = opendir("/proc") else { return [] }
        defer { closedir(stream) }
        let mark = "\(directory)/"
        var found: [Int32] = []
        while let entry = readdir(stream) {
            guard let pid = Int32(name(entry)), pid != getpid(), isAlive(pid) else { continue }
            let environment = ((try? readSmallFile("/proc/\(pid)/environ")) ?? nil) ?? ""
            let line = ((try? readSmallFile("/proc/\(pid)/cmdline")) ?? nil) ?? ""
            if environment.contains(mark) || line.contains(mark) { found.append(pid) }
        }
        return found
    }

    func leftoversInWords() -> String {
        leftovers().map { "\($0) \(arguments(of: $0).joined(separator: " "))" }.joined(separator: "; ")
    }

    private static func name(_ entry: UnsafeMutablePointer<dirent>) -> String {
        withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
    }

    // MARK: What runs leave

    /// The ids of all runs that got as far as a ledger, which is before anything is started.
    func runs() -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: state + "/ledgers")) ?? []
    }

    func scratch(of run: String) -> String { "/var/tmp/muster-\(run)" }

    /// The newest outcome, as `show --json` prints it.
    func newestOutcome() throws -> Value { try json("show") }

    /// Nothing runs, nothing is open, nothing lies about, and undo has nothing to do.
    func expectNothingLeft(_ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        let gone = eventually { leftovers().isEmpty }
        #expect(gone != nil, "left: \(leftoversInWords()) \(comment ?? "")", sourceLocation: sourceLocation)
        let list = try muster("guard", "list", "--json")
        #expect(
            list.output == "[]\n" && list.code == 0, "\(list.all) \(comment ?? "")",
            sourceLocation: sourceLocation)
        for run in runs() {
            #expect(
                !exists(scratch(of: run)), "\(scratch(of: run)) is left \(comment ?? "")",
                sourceLocation: sourceLocation)
        }
    }
}

extension Value {
    /// `outcome.at("objectives", 0, "name")`.
    func at(_ path: any Sendable...) -> Value? {
        path.reduce(Optional(self)) { value, step in
            if let name = step as? String { return value?[name] }
            guard let index = step as? Int, let list = value?.asList, list.indices.contains(index) else {
                return nil
            }
            return list[index]
        }
    }

    /// The events of an outcome of one kind.
    func events(_ kind: String) -> [Value] {
        (self["events"]?.asList ?? []).filter { $0["kind"]?.asText == kind }
    }
    func texts(_ kind: String) -> [String] { events(kind).compactMap { $0["text"]?.asText } }
}
