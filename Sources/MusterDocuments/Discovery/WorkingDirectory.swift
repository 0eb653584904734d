import MusterCore

extension ProcessStatus {
    /// As it was called, where that leads to the same files from the directory in which it is now. Some servers leave the
    /// one in which they were started, and nobody knows it any more: mariadbd goes to its data (my_setwd in mysqld.cc),
    /// haproxy into its chroot, Apache to the root as a daemon.
    /// - Returns: nil where it was told of files by paths from a directory that is not known.
    func calledWithin(_ directory: String?, _ kind: ServiceKind, on host: any HostReader) -> ProcessStatus? {
        func isFar(_ path: String) -> Bool { path.hasPrefix("/") || path.isEmpty }
        switch kind {
        case .mysql:
            let fixed = ["--defaults-file", "--defaults-extra-file", "--basedir", "-b"]
            guard fixed.allSatisfy({ arguments.values(of: $0).allSatisfy(isFar) }) else { return nil }
            let data = arguments.values(of: "--datadir") + arguments.values(of: "-h")
            guard !data.allSatisfy(isFar) else { return self }
            // It is there now, and the last one counts.
            return directory.map { place in
                var called = self
                called.arguments.append("--datadir=\(place)")
                return called
            }
        case .haproxy:
            let files = arguments.values(of: "-f") + arguments.values(of: "-C")
            let areThere = files.allSatisfy { file in
                isFar(file) || directory.map { host.holds("\($0)/\(file)") } ?? false
            }
            return areThere ? self : nil
        case .apache: return arguments.values(of: "-d").allSatisfy(isFar) ? self : nil
        default: return self
        }
    }
}

extension HostReader {
    fileprivate func holds(_ path: String) -> Bool { ((try? read(path, from: 0, count: 1)) ?? nil) != nil }
}

extension [String] {
    /// What stands behind a flag, as a word of its own or in the same one.
    func values(of flag: String) -> [String] {
        let isLong = flag.hasPrefix("--")
        return zip(self, dropFirst().map(Optional.some) + [nil]).compactMap { word, next in
            if word == flag { return next }
            let start = isLong ? flag + "=" : flag
            return word.hasPrefix(start) ? String(word.dropFirst(start.count)) : nil
        }
    }
}
