import CLinux

/// SHA-256 (FIPS 180-4), by libcrypto.
public struct SHA256: Sendable {
    private var state = csystem_sha256()

    public init() { csystem_sha256_start(&state) }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        csystem_sha256_update(&state, bytes.baseAddress, bytes.count)
    }

    public mutating func update(_ bytes: some Sequence<UInt8>) {
        if bytes.withContiguousStorageIfAvailable({ update(UnsafeRawBufferPointer($0)) }) == nil {
            Array(bytes).withUnsafeBytes { update($0) }
        }
    }

    /// The digest, 32 bytes. The value itself can go on being updated.
    public func digest() -> [UInt8] {
        var copy = state
        var digest = [UInt8](repeating: 0, count: 32)
        csystem_sha256_finish(&copy, &digest)
        return digest
    }

    /// The first 16 bytes of the digest, the first one as the most significant; without memory of its own.
    public func truncated() -> UInt128 {
        var copy = state
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { bytes in
            csystem_sha256_finish(&copy, bytes.baseAddress)
            return bytes.prefix(16).reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        }
    }

    /// The digest in 64 hexadecimal digits.
    public var hex: String { Self.hex(digest()) }

    /// The digest of bytes, in hexadecimal.
    public static func hex(of bytes: some Sequence<UInt8>) -> String {
        var hash = SHA256()
        hash.update(bytes)
        return hash.hex
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
