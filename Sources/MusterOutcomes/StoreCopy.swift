import Glibc

/// A copy of a store that cannot be read where it is, because its disk is full or takes no writes. It lies where there is
/// room, mostly in memory.
struct StoreCopy {
    private static let places = ["/dev/shm", "/tmp", "/var/tmp", "/run"]

    private let directory: String
    let path: String

    /// - Throws: `OutcomeStoreError.cannotOpen` when there is no room anywhere, or it cannot be read.
    init(of original: String) throws {
        let sizes = ["", "-wal"].compactMap { StoreFile.size(original + $0) }
        let needed = UInt64(max(0, sizes.reduce(0, +))) + 1 << 20
        guard
            let place = Self.places.first(where: {
                access($0, W_OK) == 0 && (StoreFile.room($0) ?? 0) > needed
            })
        else {
            throw OutcomeStoreError.cannotOpen(
                path: original, "no space is left on its disk, and there is none elsewhere for a copy to read"
            )
        }
        var template = Array("\(place)/muster-outcomes-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer {
            mkdtemp($0.baseAddress!).map { String(cString: $0) }
        }
        guard let made else {
            throw OutcomeStoreError.cannotOpen(path: original, String(cString: strerror(errno)))
        }
        directory = made
        path = made + "/outcomes.sqlite"
        do {
            for suffix in ["", "-wal"] where StoreFile.size(original + suffix) != nil {
                try Self.copy(original + suffix, to: path + suffix)
            }
        } catch {
            remove()
            throw error
        }
    }

    /// Removes its files; whoever has them open goes on reading them.
    func remove() {
        for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
        rmdir(directory)
    }

    private static func copy(_ from: String, to: String) throws {
        func failed() -> OutcomeStoreError { .cannotOpen(path: from, String(cString: strerror(errno))) }
        let source = open(from, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw failed() }
        defer { close(source) }
        let target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard target >= 0 else { throw failed() }
        defer { close(target) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(source, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                if count < 0 { throw failed() }
                return
            }
            var written = 0
            while written < count {
                let more = buffer.withUnsafeBytes {
                    write(target, $0.baseAddress! + written, count - written)
                }
                if more < 0 && errno == EINTR { continue }
                guard more > 0 else { throw failed() }
                written += more
            }
        }
    }
}
