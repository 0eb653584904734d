/// What a proxy is to be, and what runs of it.
struct ProxyRecord: Sendable {
    var name: ExactText
    /// Where it listens when it was ever started, else as it was asked for.
    var listen: String
    var upstream: String
    /// Always the same as whether it runs, as long as nobody is at work on it.
    var enabled = false
    /// In the order in which they were added, both directions mixed.
    var toxics: [ToxicRecord] = []
    var running: (any RunningProxy)?
    var lifetime: Lifetime?

    func index(of toxic: String) -> Int? {
        toxics.firstIndex { ExactText($0.name) == ExactText(toxic) }
    }

    /// Upstream first, as Toxiproxy lists them and as bytes pass them in each direction.
    var toxicsInOrder: [ToxicRecord] {
        toxics.filter { $0.stream == .upstream } + toxics.filter { $0.stream == .downstream }
    }

    /// What a client is told.
    func view(at now: Duration) -> ProxyView {
        ProxyView(
            name: name.text, listen: listen, upstream: upstream, enabled: enabled,
            toxics: toxicsInOrder.map { $0.view(at: now) },
            lifetime: lifetime.map { LifetimeView(asked: $0.asked, left: $0.left(at: now)) })
    }
}

struct ToxicRecord: Sendable {
    var name: String
    var type: String
    var stream: Stream
    /// As it was sent, such as `UPSTREAM`: Toxiproxy gives it back like that.
    var streamText: String
    /// Neither checked nor clamped.
    var toxicity: Float
    var toxic: any Toxic
    var lifetime: Lifetime?
    /// Memory, in bytes, about.
    var weight: Int

    var active: ActiveToxic {
        ActiveToxic(name: name, toxic: toxic, stream: stream, toxicity: Double(toxicity))
    }

    func view(at now: Duration) -> ToxicView {
        ToxicView(
            attributes: Swift.type(of: toxic).attributes.map { attribute in
                (attribute.name, toxic.values[attribute.name] ?? attribute.initial)
            },
            name: name, type: type, stream: streamText, toxicity: toxicity,
            lifetime: lifetime.map { LifetimeView(asked: $0.asked, left: $0.left(at: now)) })
    }
}

/// A proxy at a moment, as a client is told.
struct ProxyView: Sendable {
    var name: String
    var listen: String
    var upstream: String
    var enabled: Bool
    var toxics: [ToxicView]
    var lifetime: LifetimeView?
}

/// A toxic at a moment, as a client is told.
struct ToxicView: Sendable {
    var attributes: [(name: String, value: AttributeValue)]
    var name: String
    var type: String
    var stream: String
    var toxicity: Float
    var lifetime: LifetimeView?
}

/// Milliseconds.
struct LifetimeView: Hashable, Sendable {
    var asked: Int64
    var left: Int64
}
