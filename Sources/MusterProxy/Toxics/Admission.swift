public import NIOCore

/// A toxic that works when a client connects, on the connection as a whole: its stream says nothing, its toxicity is
/// drawn once for each connection.
public protocol AdmissionToxic: Toxic {
    /// - Parameter open: connections of this proxy that are open, without the one that asks.
    func admit(open: Int) -> Admission
}

public enum Admission: Sendable, Equatable {
    /// The server is connected after this time; nothing is read from the client before.
    case connect(after: TimeAmount)
    /// The client gets RST.
    case refuse
}

extension AdmissionToxic {
    public func stage(_ random: LinkRandom) -> (any ToxicStage)? { nil }
}

/// The server is connected late; bytes of the client wait in the kernel. Removing it ends the waiting.
public struct ConnectDelay: AdmissionToxic {
    public static let type = "connect_delay"
    public static let summary = "Connecting to the server takes longer."
    public static let attributes = [Attribute("delay", .integer, .integer(0), "milliseconds")]

    public let delay: Int64

    public init(_ values: AttributeValues) throws(AttributeProblem) {
        delay = values.integer("delay")
        guard delay >= 0 else { throw AttributeProblem("delay", expected: "0 or more") }
    }

    public var values: AttributeValues { ["delay": .integer(delay)] }
    public func admit(open: Int) -> Admission { .connect(after: .told(milliseconds: delay)) }
}

/// Clients get RST as soon as they are accepted. They see a connection that is made and then reset: refusing the
/// handshake itself is what disabling the proxy does.
public struct ConnectRefuse: AdmissionToxic {
    public static let type = "connect_refuse"
    public static let summary = "New connections are reset."
    public static let attributes: [Attribute] = []

    public init(_ values: AttributeValues) throws(AttributeProblem) {}

    public var values: AttributeValues { [:] }
    public func admit(open: Int) -> Admission { .refuse }
}

/// No more than so many connections at a time; the next ones get RST. Those that are open stay.
public struct ConnectionLimit: AdmissionToxic {
    public static let type = "connection_limit"
    public static let summary = "Connections beyond a number are reset."
    public static let attributes = [Attribute("connections", .integer, .integer(0), "open at a time")]

    public let connections: Int64

    public init(_ values: AttributeValues) throws(AttributeProblem) {
        connections = values.integer("connections")
        guard connections >= 0 else { throw AttributeProblem("connections", expected: "0 or more") }
    }

    public var values: AttributeValues { ["connections": .integer(connections)] }

    public func admit(open: Int) -> Admission {
        open < connections ? .connect(after: .nanoseconds(0)) : .refuse
    }
}
