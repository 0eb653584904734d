import MusterCore

/// How a guard was asked to run.
public struct GuardOptions: Sendable {
    public var lease = Duration.seconds(5)
    /// Echoed in the hello line, so that the engine can tell it from a banner.
    public var nonce = ""
    /// Where its journal is; nil for the default.
    public var state: String?
    /// The drill run, for whoever finds the host locked.
    public var run = ""
    /// The engine's pid, where it runs on this host.
    public var engine: Int32?

    public init() {}
}
