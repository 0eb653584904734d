extension ProxyRegistry {
    /// Appends a toxic to its direction's chain.
    func add(_ draft: ToxicDraft, to name: String) async throws(APIProblem) -> ToxicView {
        let name = ExactText(name)
        await hold(name)
        defer { letGo(name) }
        var record = try record(name)
        guard record.index(of: draft.name) == nil else { throw .toxicExists }
        guard record.toxics.count < Self.mostToxics else {
            throw APIProblem("too many toxics: a proxy may have \(Self.mostToxics)", status: 400)
        }
        guard !isEnding else { throw .ending }
        let toxic = draft.record(at: clock())
        try weigh(toxic.weight)
        record.toxics.append(toxic)
        proxies[name] = record
        await record.running?.add(toxic.active)
        watchDeadlines()
        tell(.added, toxic, of: record)
        return toxic.view(at: clock())
    }

    /// - Parameter changes: made from the toxic as it is; two updates at once do not undo each other.
    func update(
        _ toxic: String, of name: String,
        _ changes: @Sendable (ToxicRecord) throws(APIProblem) -> ToxicChanges
    ) async throws(APIProblem) -> ToxicView {
        let name = ExactText(name)
        await hold(name)
        defer { letGo(name) }
        var record = try record(name)
        guard let index = record.index(of: toxic) else { throw .toxicNotFound }
        guard !isEnding else { throw .ending }
        let change = try changes(record.toxics[index])
        if let toxic = change.toxic {
            let weight = toxic.weight(named: record.toxics[index].name)
            try weigh(max(0, weight - record.toxics[index].weight))
            record.toxics[index].weight = weight
            record.toxics[index].toxic = toxic
        }
        if let toxicity = change.toxicity { record.toxics[index].toxicity = toxicity }
        if let ttl = change.ttl { record.toxics[index].lifetime = Lifetime(ttl, from: clock()) }
        let updated = record.toxics[index]
        proxies[name] = record
        // A change of its lifetime alone is none of what it does: nothing is drawn or begun anew.
        if change.toxic != nil || change.toxicity != nil { await record.running?.update(updated.active) }
        watchDeadlines()
        tell(.updated, updated, of: record)
        return updated.view(at: clock())
    }

    func remove(_ toxic: String, of name: String) async throws(APIProblem) {
        let name = ExactText(name)
        await hold(name)
        defer { letGo(name) }
        var record = try record(name)
        guard let index = record.index(of: toxic) else { throw .toxicNotFound }
        await takeToxic(at: index, of: &record, .removed)
    }

    /// While the proxy's name is held.
    func takeToxic(at index: Int, of record: inout ProxyRecord, _ change: RegistryEvent.ToxicChange) async {
        let toxic = record.toxics.remove(at: index)
        proxies[record.name] = record
        await record.running?.remove(toxic.name)
        tell(change, toxic, of: record)
    }

    /// While the proxy's name is held.
    func removeToxics(of record: inout ProxyRecord) async {
        while !record.toxics.isEmpty { await takeToxic(at: 0, of: &record, .removed) }
    }

    private func tell(_ change: RegistryEvent.ToxicChange, _ toxic: ToxicRecord, of proxy: ProxyRecord) {
        events.happened(
            .toxic(
                change, name: toxic.name, type: toxic.type, stream: toxic.stream, proxy: proxy.name.text))
    }
}
