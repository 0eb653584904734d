/// A proxy that somebody asks for.
struct ProxyDraft: Sendable {
    var name = ""
    var listen = ""
    var upstream = ""
    var enabled = true
    /// Milliseconds.
    var ttl: Int64?
    /// Beyond Toxiproxy: created with the proxy or not at all.
    var toxics: [ToxicDraft] = []
}

/// What is to be different about a proxy; nil: as it is.
struct ProxyChanges: Sendable {
    var listen: String?
    var upstream: String?
    var enabled: Bool?
    var ttl: Int64?
}

/// A toxic that somebody asks for, checked but for its name, which must not be taken.
struct ToxicDraft: Sendable {
    var name: String
    var type: String
    var stream: Stream
    var streamText: String
    var toxicity: Float
    var toxic: any Toxic
    /// Milliseconds.
    var ttl: Int64?

    func record(at now: Duration) -> ToxicRecord {
        ToxicRecord(
            name: name, type: type, stream: stream, streamText: streamText, toxicity: toxicity, toxic: toxic,
            lifetime: ttl.map { Lifetime($0, from: now) }, weight: toxic.weight(named: name))
    }
}

/// What is to be different about a toxic; nil: as it is.
struct ToxicChanges: Sendable {
    var toxic: (any Toxic)?
    var toxicity: Float?
    var ttl: Int64?
}
