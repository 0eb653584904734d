/// Bytes per second, written `50KB/s` or `1MiB/s`.
public struct ByteRate: Hashable, Sendable {
    public var bytesPerSecond: Int64
    public init(bytesPerSecond: Int64) { self.bytesPerSecond = bytesPerSecond }

    /// Reads `text`; nil without the unit and `/s`.
    public init?(units text: String) {
        guard text.hasSuffix("/s"), let size = ByteCount(units: String(text.dropLast(2))) else { return nil }
        bytesPerSecond = size.bytes
    }

    /// The exact canonical text, which `init(units:)` reads back.
    public var unitsText: String {
        for (name, size) in [("MB", Int64(1_000_000)), ("KB", 1_000)]
        where bytesPerSecond != 0 && bytesPerSecond % size == 0 {
            return "\(bytesPerSecond / size)\(name)/s"
        }
        return ByteCount(bytesPerSecond).unitsText + "/s"
    }

    /// How long so many bytes take; for ever at a rate of 0.
    public func time(for bytes: Int) -> Duration {
        bytesPerSecond == 0
            ? .seconds(86_400 * 365) : .nanoseconds(Int64(Double(bytes) / Double(bytesPerSecond) * 1e9))
    }
}

extension ByteRate: FormValue {
    public static var shape: Shape { .byteRate }
    public init(node: FormNode) throws {
        guard let text = node.text, let rate = ByteRate(units: text) else { throw Self.mismatch(node) }
        self = rate
    }
    public var value: Value { .text(unitsText) }
}
