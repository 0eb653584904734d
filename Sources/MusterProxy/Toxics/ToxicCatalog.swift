/// Every toxic there is, by type. A new one is a line here.
public enum ToxicCatalog {
    /// Those of Toxiproxy.
    public static let toxiproxy: [any Toxic.Type] = [
        Latency.self, Bandwidth.self, SlowClose.self, Timeout.self, ResetPeer.self, Slicer.self,
        LimitData.self,
        Noop.self,
    ]

    public static let beyond: [any Toxic.Type] = [
        Stall.self, Corrupt.self, Duplicate.self, Drop.self, ConnectDelay.self, ConnectRefuse.self,
        ConnectionLimit.self, HTTPFaultToxic.self,
    ]

    public static let all = toxiproxy + beyond

    /// - Returns: nil when no toxic has that type.
    public static func find(_ type: String) -> (any Toxic.Type)? { all.first { $0.type == type } }
}

extension Toxic {
    /// What its attributes are when none is given.
    public static var initialValues: AttributeValues {
        AttributeValues(uniqueKeysWithValues: attributes.map { ($0.name, $0.initial) })
    }
}
