/// The state behind the API: which proxies there are to be, and which run.
///
/// Whoever changes a proxy holds its name meanwhile; others wait in the order in which they came. A proxy that
/// hangs, because a name is being resolved, holds up nobody else, and no deadline but its own. Readers do not
/// wait: they see what is decided.
public actor ProxyRegistry {
    /// More would be refused: a name costs memory even when nothing listens.
    public static let mostProxies = 65_536
    public static let mostToxics = 1024
    /// Bytes that names, addresses, toxics and their attributes may take in all proxies together, about.
    public static let mostWeight = 128 << 20

    private let mostWeight: Int
    private let mostProxies: Int
    let engine: any LinkEngine
    let events: any RegistryEventSink
    let clock: @Sendable () -> Duration
    var proxies = ProxyTable()
    /// What proxies that are stopped have moved, for the counters of the metrics, which never go back.
    var ledger = TrafficLedger()
    /// Names that are held, and who waits for them.
    private var queues: [ExactText: [CheckedContinuation<Void, Never>]] = [:]
    /// Proxies whose deadlines are being dealt with.
    var expiring: Set<ExactText> = []
    var expiry: Task<Void, Never>?
    /// It is being shut down: nothing new begins.
    var isEnding = false

    /// - Parameters:
    ///   - mostWeight: what all proxies and toxics may take together, in bytes.
    ///   - mostProxies: how many there may be.
    ///   - clock: what deadlines are counted on.
    public init(
        engine: any LinkEngine, events: any RegistryEventSink, mostWeight: Int = ProxyRegistry.mostWeight,
        mostProxies: Int = ProxyRegistry.mostProxies,
        clock: @escaping @Sendable () -> Duration = bootTime
    ) {
        self.mostWeight = mostWeight
        self.mostProxies = mostProxies
        self.engine = engine
        self.events = events
        self.clock = clock
    }

    func hold(_ name: ExactText) async {
        if queues[name] == nil {
            queues[name] = []
        } else {
            await withCheckedContinuation { queues[name]?.append($0) }
        }
    }

    func letGo(_ name: ExactText) {
        guard var queue = queues[name], !queue.isEmpty else {
            queues[name] = nil
            return
        }
        let next = queue.removeFirst()
        queues[name] = queue
        next.resume()
    }

    // MARK: Reading

    /// By name, in the order of bytes, as Go's encoder sorts a map.
    func all() -> [ProxyView] {
        let now = clock()
        return proxies.all.sorted { $0.name < $1.name }.map { $0.view(at: now) }
    }

    func proxy(_ name: String) throws(APIProblem) -> ProxyView {
        try record(ExactText(name)).view(at: clock())
    }

    func toxic(_ toxic: String, of name: String) throws(APIProblem) -> ToxicView {
        try toxicRecord(toxic, of: name).view(at: clock())
    }

    func toxicRecord(_ toxic: String, of name: String) throws(APIProblem) -> ToxicRecord {
        let record = try record(ExactText(name))
        guard let index = record.index(of: toxic) else { throw .toxicNotFound }
        return record.toxics[index]
    }

    func record(_ name: ExactText) throws(APIProblem) -> ProxyRecord {
        guard let record = proxies[name] else { throw .proxyNotFound }
        return record
    }

    // MARK: Proxies

    func create(_ draft: ProxyDraft) async throws(APIProblem) -> ProxyView {
        let name = ExactText(draft.name)
        await hold(name)
        defer { letGo(name) }
        guard proxies[name] == nil else { throw .proxyExists }
        try admit(draft, insteadOf: nil)
        let record = try await made(draft)
        return settle(record, .created)
    }

    /// A new proxy, started when it is to be; nowhere entered yet.
    private func made(_ draft: ProxyDraft) async throws(APIProblem) -> ProxyRecord {
        let now = clock()
        var record = ProxyRecord(name: ExactText(draft.name), listen: draft.listen, upstream: draft.upstream)
        record.toxics = draft.toxics.map { $0.record(at: now) }
        record.lifetime = draft.ttl.map { Lifetime($0, from: now) }
        if draft.enabled { try await start(&record) }
        return record
    }

    /// - Parameter old: what it would replace.
    /// - Throws: when there is no room for it.
    private func admit(_ draft: ProxyDraft, insteadOf old: ProxyRecord?) throws(APIProblem) {
        guard !isEnding else { throw .ending }
        guard old != nil || proxies.count < mostProxies else { throw .tooManyProxies }
        try weigh(max(0, draft.weight - (old?.weight ?? 0)))
    }

    /// Merges. As in Toxiproxy, a proxy that moves lets go of its old place first: when it cannot have the new
    /// one, it stays disabled, with the new address.
    func update(_ name: String, _ changes: ProxyChanges) async throws(APIProblem) -> ProxyView {
        let name = ExactText(name)
        await hold(name)
        defer { letGo(name) }
        var record = try record(name)
        let listen = changes.listen ?? record.listen
        let upstream = changes.upstream ?? record.upstream
        let enabled = changes.enabled ?? record.enabled
        if try await differs(record, listen: listen, upstream: upstream) {
            await stop(&record)
            record.listen = listen
            record.upstream = upstream
        }
        if let ttl = changes.ttl { record.lifetime = Lifetime(ttl, from: clock()) }
        if record.enabled, !enabled { await stop(&record) }
        if !record.enabled, enabled {
            // Before it is tried: a failure leaves the new address behind.
            proxies[name] = record
            watchDeadlines()
            try await start(&record)
        }
        return settle(record, .updated)
    }

    func remove(_ name: String) async throws(APIProblem) {
        let name = ExactText(name)
        await hold(name)
        defer { letGo(name) }
        await discard(try record(name), .removed)
    }

    /// While its name is held: it is stopped and forgotten.
    func discard(_ record: ProxyRecord, _ change: RegistryEvent.ProxyChange) async {
        var record = record
        await stop(&record)
        proxies[record.name] = nil
        tell(change, of: record)
    }

    /// Creates or replaces each, in order, and leaves alone what is there with the same addresses: its toxics,
    /// and whether it is enabled.
    /// - Returns: what stands in the end, up to the first that could not be started; and why not. What there is no room
    ///   for is not begun.
    func populate(_ drafts: [ProxyDraft]) async -> (proxies: [ProxyView], problem: APIProblem?) {
        let new = Set(drafts.map { ExactText($0.name) }).filter { proxies[$0] == nil }
        guard proxies.count + new.count <= mostProxies else { return ([], .tooManyProxies) }
        do {
            try weigh(
                drafts.reduce(0) { $0 + max(0, $1.weight - (proxies[ExactText($1.name)]?.weight ?? 0)) })
        } catch {
            return ([], error)
        }
        var done: [ProxyView] = []
        for draft in drafts {
            do {
                done.append(try await put(draft))
            } catch {
                return (done, error)
            }
        }
        return (done, nil)
    }

    private func put(_ draft: ProxyDraft) async throws(APIProblem) -> ProxyView {
        let name = ExactText(draft.name)
        await hold(name)
        defer { letGo(name) }
        let existing = proxies[name]
        if let existing, try await !differs(existing, listen: draft.listen, upstream: draft.upstream) {
            return existing.view(at: clock())
        }
        // Before what is there is stopped for it.
        try admit(draft, insteadOf: existing)
        if var existing {
            await stop(&existing)
            proxies[name] = existing
        }
        let record = try await made(draft)
        return settle(record, .created)
    }

    /// - Parameter more: bytes that are to be added.
    /// - Throws: when there is no room for them.
    func weigh(_ more: Int) throws(APIProblem) {
        guard more <= mostWeight, proxies.weight <= mostWeight - more else {
            throw APIProblem(
                "too many proxies and toxics: names, attributes and all, they may take \(mostWeight >> 10) KiB",
                status: 400)
        }
    }

    /// Enables every proxy and removes every toxic. Toxiproxy ends at the first proxy that cannot listen; this
    /// goes on, so that the others are well again, and then tells of it.
    func reset() async throws(APIProblem) {
        var problem: APIProblem?
        for name in proxies.names.sorted() {
            await hold(name)
            defer { letGo(name) }
            // Removed meanwhile: nothing to reset.
            guard var record = proxies[name] else { continue }
            await removeToxics(of: &record)
            proxies[name] = record
            guard !record.enabled else { continue }
            do throws(APIProblem) {
                try await start(&record)
                _ = settle(record, .updated)
            } catch {
                problem = problem ?? error
            }
        }
        if let problem { throw problem }
    }

    // MARK: Starting and stopping

    /// Enters the record and tells of it.
    func settle(_ record: ProxyRecord, _ change: RegistryEvent.ProxyChange) -> ProxyView {
        proxies[record.name] = record
        watchDeadlines()
        tell(change, of: record)
        return record.view(at: clock())
    }

    func tell(_ change: RegistryEvent.ProxyChange, of record: ProxyRecord) {
        events.happened(
            .proxy(
                change, name: record.name.text, listen: record.listen, upstream: record.upstream,
                enabled: record.enabled))
    }

    private func start(_ record: inout ProxyRecord) async throws(APIProblem) {
        do {
            // Nowhere in particular: any port that is free.
            let listen = record.listen.isEmpty ? ":0" : record.listen
            let running = try await engine.start(
                record.name.text, listen: listen, upstream: record.upstream,
                toxics: record.toxicsInOrder.map(\.active))
            record.running = running
            record.listen = running.address
            record.enabled = true
        } catch let problem as BindProblem {
            throw APIProblem(problem.message, status: 500)
        } catch {
            throw APIProblem("\(error)", status: 500)
        }
    }

    private func stop(_ record: inout ProxyRecord) async {
        record.enabled = false
        guard let running = record.running else { return }
        record.running = nil
        await running.stop(draining: .zero)
        ledger.add(running.traffic, of: record)
    }

    /// Whether a proxy that is there would have to move to be like that.
    private func differs(_ record: ProxyRecord, listen: String, upstream: String) async throws(APIProblem)
        -> Bool
    {
        let moves = ExactText(upstream) != ExactText(record.upstream)
        do throws(BindProblem) {
            // Before it is stopped for what it cannot be.
            if moves { _ = try Upstream(upstream) }
        } catch {
            throw APIProblem(error.message, status: 500)
        }
        // The place where it is needs no name service.
        if ExactText(listen) == ExactText(record.listen) { return moves }
        do throws(BindProblem) {
            let resolved = try await place(of: listen)
            return moves || ExactText(resolved) != ExactText(record.listen)
        } catch {
            throw APIProblem(error.message, status: 500)
        }
    }
}
