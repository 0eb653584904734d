internal import Glibc

/// Gives back to the machine what malloc(3) keeps for later. It keeps a lot when thousands of connections have come and
/// gone: what is still in use lies between what is free.
///
/// Looking through malloc's free memory takes milliseconds, and whoever allocates waits meanwhile. So it is done when
/// enough has been let go of for it to be worth while, in a quiet moment; where there is none, rarely.
///
/// Used by one thread.
public struct MemoryReturn {
    /// What has been let go of, in bytes, before it is worth while.
    static let worth = 4 << 20
    /// A moment is quiet when for so long nothing was let go of.
    static let quiet = Duration.seconds(1)
    /// Without a quiet moment.
    static let longest = Duration.seconds(30)
    /// What a connection takes with nothing held in it, in bytes, about (docs/PERFORMANCE.md).
    static let connection = 8192

    /// What a request needs, and may take away, besides its body and answer, in bytes, about.
    static let request = 1024

    /// What was let go of since the process began.
    struct Counts: Equatable {
        var connections = 0
        var bytes = 0
        /// The most that connections kept at once since memory was last returned.
        var peak = 0
    }

    private var last = Counts()
    private var returned = Counts()
    private var changed: Duration
    private var latest: Duration

    public init(at now: Duration) {
        changed = now
        latest = now
    }

    /// Called several times a second.
    public mutating func look(_ links: SharedLimits, _ server: APIServer, at now: Duration) {
        let counts = Counts(
            connections: links.ended, bytes: server.released + server.answered * Self.request,
            peak: links.held.peak)
        guard isDue(counts, held: links.held.held, at: now) else { return }
        Self.trim()
        links.held.forgetHighest()
    }

    /// Whether memory is to be returned now; it then counts as returned.
    mutating func isDue(_ counts: Counts, held: Int, at now: Duration) -> Bool {
        if counts != last {
            last = counts
            changed = now
        }
        let free =
            (counts.connections - returned.connections) * Self.connection
            + (counts.bytes - returned.bytes) + max(0, counts.peak - held)
        guard free >= Self.worth, now - changed >= Self.quiet || now - latest >= Self.longest else {
            return false
        }
        returned = counts
        last.peak = held
        latest = now
        return true
    }

    /// To be called before there is much memory: what is larger than any buffer of a connection is taken from the machine
    /// by itself, and given back as soon as it is free. By default glibc raises that bound when large memory is freed, and
    /// with it what it keeps at the end of each thread's memory, which `malloc_trim` does not look at.
    public static func prepare() {
        typealias Option = @convention(c) (CInt, CInt) -> CInt
        guard let symbol = dlsym(nil, "mallopt") else { return }
        let set = unsafeBitCast(symbol, to: Option.self)
        // M_MMAP_THRESHOLD and M_TRIM_THRESHOLD of malloc.h (mallopt(3)), which Swift does not see.
        _ = set(-3, 1 << 18)
        _ = set(-1, 4 << 20)
    }

    /// malloc_trim(3), which glibc has and other C libraries have not.
    private static func trim() {
        typealias Trim = @convention(c) (Int) -> CInt
        guard let symbol = dlsym(nil, "malloc_trim") else { return }
        _ = unsafeBitCast(symbol, to: Trim.self)(0)
    }
}
