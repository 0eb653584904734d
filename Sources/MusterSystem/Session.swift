import Glibc

extension Child {
    /// Ends everything in the session that this child leads, whatever process groups it is in; the child must have
    /// been started with `Spawn.newSession` and not been waited for. Does not wait for it: until somebody does,
    /// nobody else can get its number, which is the session's.
    public func killSession() {
        // First, so that it starts nothing more.
        _ = try? kill()
        // Whoever forked while it was looked for is found by the next look.
        for _ in 0..<100 {
            var found = 0
            for other in (try? processNumbers()) ?? [] where other != pid {
                // Opened before it is looked at: what is signalled is what was seen.
                guard let process = try? PidDescriptor(of: other), let stat = try? ProcessStat.read(other),
                    stat.session == pid, !stat.isZombie
                else { continue }
                found += 1
                _ = try? process.send(SIGKILL)
            }
            if found == 0 { return }
        }
    }
}

/// The numbers of all processes that /proc shows (proc(5)), in order.
public func processNumbers() throws(SystemError) -> [Int32] {
    try Descriptor(opening: "/proc", O_RDONLY | O_DIRECTORY).names().compactMap { Int32($0) }.sorted()
}
