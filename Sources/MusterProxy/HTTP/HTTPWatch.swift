public import NIOCore

/// Follows both directions of a connection that no filter edits, so that one that is put in later knows where
/// messages begin. The link shows it whatever leaves the ends of its chains.
public struct HTTPWatch: Sendable {
    /// Between two messages in both directions, with every request answered: a filter can begin here.
    public private(set) var isAtRest = true

    public init() {}

    /// Bytes that went to the server (`upstream`) or to the client.
    public mutating func saw(_ bytes: ByteBuffer, _ stream: Stream) { isAtRest = false }
}

/// How much is kept of what people may send.
public enum HTTPLimits {
    /// The longest head of a message, in bytes; a longer one is not understood. Servers take less as a rule
    /// (Apache 8 KiB a line, nginx 32 KiB in all).
    public static let head = 65_536
}
