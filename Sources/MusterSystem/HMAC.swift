/// HMAC with SHA-256 (RFC 2104, FIPS 198-1).
public enum HMAC {
    /// - Returns: the code of `message` under `key`, in 64 hexadecimal digits.
    public static func hex(of message: some Sequence<UInt8>, key: [UInt8]) -> String {
        var block = key
        if block.count > 64 {
            var hash = SHA256()
            hash.update(block)
            block = hash.digest()
        }
        block += [UInt8](repeating: 0, count: 64 - block.count)
        var inner = SHA256()
        inner.update(block.map { $0 ^ 0x36 })
        inner.update(message)
        var outer = SHA256()
        outer.update(block.map { $0 ^ 0x5C })
        outer.update(inner.digest())
        return outer.hex
    }
}
