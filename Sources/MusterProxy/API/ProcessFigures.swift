internal import Glibc

/// What the kernel knows of this process; nil: it did not say.
struct ProcessFigures {
    var processorSeconds: Double?
    var openDescriptors: Int?
    var mostDescriptors: UInt?
    var residentBytes: Int?
    var virtualBytes: Int?
    /// Since 1970, in seconds.
    var started: Double?

    static func read() -> ProcessFigures {
        var figures = ProcessFigures()
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            figures.mostDescriptors = limit.rlim_cur
        }
        figures.openDescriptors = countDescriptors()
        // proc(5): the fields behind the name, which may hold anything but ends with the last parenthesis.
        guard let stat = contents("/proc/self/stat"), let end = stat.lastIndex(of: ")") else {
            return figures
        }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 21 else { return figures }
        let tick = Double(sysconf(Int32(_SC_CLK_TCK)))
        if let user = Double(fields[11]), let system = Double(fields[12]) {
            figures.processorSeconds = (user + system) / tick
        }
        if let sinceBoot = Double(fields[19]) {
            var real = timespec()
            clock_gettime(CLOCK_REALTIME, &real)
            let (seconds, attoseconds) = bootTime().components
            let boot =
                Double(real.tv_sec) - Double(seconds) + Double(real.tv_nsec) / 1e9 - Double(attoseconds)
                / 1e18
            figures.started = ((boot + sinceBoot / tick) * 100).rounded() / 100
        }
        figures.virtualBytes = Int(fields[20])
        figures.residentBytes = Int(fields[21]).map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) }
        return figures
    }

    private static func countDescriptors() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Without `.`, `..` and the folder's own.
        return count - 3
    }

    private static func contents(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
        }
    }
}
