/// What the API says, byte for byte as Toxiproxy's encoder would.
extension JSONWriter {
    mutating func proxy(_ proxy: ProxyView) {
        raw("{")
        name("name", first: true)
        text(proxy.name)
        name("listen")
        text(proxy.listen)
        name("upstream")
        text(proxy.upstream)
        name("enabled")
        flag(proxy.enabled)
        // Toxiproxy lets out an inner field, empty; some clients look for nothing but the known ones.
        name("Logger")
        raw("{}")
        name("toxics")
        toxics(proxy.toxics)
        lifetime(proxy.lifetime)
        raw("}")
    }

    mutating func proxies(_ proxies: [ProxyView]) {
        raw("[")
        for (index, view) in proxies.enumerated() {
            if index > 0 { comma() }
            proxy(view)
        }
        raw("]")
    }

    mutating func toxics(_ toxics: [ToxicView]) {
        raw("[")
        for (index, view) in toxics.enumerated() {
            if index > 0 { comma() }
            toxic(view)
        }
        raw("]")
    }

    mutating func toxic(_ toxic: ToxicView) {
        raw("{")
        name("attributes", first: true)
        raw("{")
        for (index, attribute) in toxic.attributes.enumerated() {
            name(attribute.name, first: index == 0)
            value(attribute.value)
        }
        raw("}")
        name("name")
        text(toxic.name)
        name("type")
        text(toxic.type)
        name("stream")
        text(toxic.stream)
        name("toxicity")
        number(toxic.toxicity)
        lifetime(toxic.lifetime)
        raw("}")
    }

    /// Only what was asked for is answered: without a `ttl` the bytes are Toxiproxy's.
    private mutating func lifetime(_ lifetime: LifetimeView?) {
        guard let lifetime else { return }
        name("ttl")
        integer(lifetime.asked)
        name("expires_in")
        integer(lifetime.left)
    }

    mutating func problem(_ problem: APIProblem) {
        name("error", first: true)
        text(problem.message)
        name("status")
        integer(problem.status)
    }
}
