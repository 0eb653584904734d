import Glibc

/// Memory straight from the kernel, which has all of it back at once.
///
/// For buffers of many megabytes of which little is touched. malloc would map the first of them too, but when that is
/// freed it takes it for a hint: the next ones of that size come from its arenas, each arena keeps twice that size
/// when all of it is free (mallopt(3), M_MMAP_THRESHOLD and M_TRIM_THRESHOLD), and what was not to be touched lies in
/// pages that others have touched before.
struct Pages: ~Copyable {
    /// Zeros at first; takes no memory where nobody writes.
    let bytes: UnsafeMutableRawBufferPointer

    /// - Throws: `MeasuringError` when the kernel gives none.
    init(byteCount: Int) throws {
        // mmap(2) takes no length of 0.
        let count = max(1, byteCount)
        let start = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        // MAP_FAILED is -1.
        guard let start, start != UnsafeMutableRawPointer(bitPattern: -1) else {
            throw MeasuringError.system("cannot take \(count) bytes of memory", errno)
        }
        bytes = UnsafeMutableRawBufferPointer(start: start, count: count)
    }

    deinit { munmap(bytes.baseAddress, bytes.count) }
}
