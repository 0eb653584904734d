/// Something that happened to proxies and toxics, for `GET /events`. What happens on connections is a `LinkEvent`.
public enum RegistryEvent: Sendable {
    case proxy(ProxyChange, name: String, listen: String, upstream: String, enabled: Bool)
    case toxic(ToxicChange, name: String, type: String, stream: Stream, proxy: String)

    public enum ProxyChange: String, Sendable {
        case created
        case updated
        case removed
        /// Its `ttl` has passed.
        case expired
    }

    public enum ToxicChange: String, Sendable {
        case added
        case updated
        case removed
        /// Its `ttl` has passed.
        case expired
    }
}

/// Where the registry tells what happens. Never waits.
public protocol RegistryEventSink: Sendable {
    func happened(_ event: RegistryEvent)
}
