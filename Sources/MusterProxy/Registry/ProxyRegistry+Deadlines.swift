/// Deadlines: toxics and proxies that take themselves away, and the end of the whole.
extension ProxyRegistry {
    /// How often the clock is looked at while there is any deadline: timers of the runtime need not count the time
    /// of a suspend, and a deadline that is added meanwhile may come before the one that is waited for.
    private static let glance: Duration = .milliseconds(20)

    /// When the next toxic or proxy has to go; nil: none has to.
    var nextDeadline: Duration? { proxies.nextDeadline(except: expiring) }

    /// Looks at the clock until no deadline is left. Called whenever one may have been added.
    func watchDeadlines() {
        guard expiry == nil, nextDeadline != nil else { return }
        expiry = Task { [weak self] in
            while let wait = await self?.expireAndWait() {
                // Ended early only by `shutDown`, after which nothing waits.
                try? await Task.sleep(for: wait)
            }
        }
    }

    /// - Returns: how long nothing is due, at most; nil when nothing ever will be.
    private func expireAndWait() -> Duration? {
        expire()
        guard !Task.isCancelled, let next = nextDeadline else {
            expiry = nil
            return nil
        }
        return min(max(next - clock(), .milliseconds(1)), Self.glance)
    }

    /// Removes what has had its time, each proxy by itself: one that is held up holds up no other.
    func expire() {
        for name in proxies.due(at: clock()) where !expiring.contains(name) {
            expiring.insert(name)
            Task { await expire(name) }
        }
    }

    private func expire(_ name: ExactText) async {
        await hold(name)
        defer {
            letGo(name)
            expiring.remove(name)
            watchDeadlines()
        }
        // Looked at again: it may have been changed while the name was held.
        guard var record = proxies[name] else { return }
        let now = clock()
        if let lifetime = record.lifetime, lifetime.end <= now {
            await discard(record, .expired)
            return
        }
        while let index = record.toxics.firstIndex(where: { $0.isDue(at: now) }) {
            await takeToxic(at: index, of: &record, .expired)
        }
    }

    /// Out of the way: every toxic is removed, then every proxy stops listening and its connections have `grace`
    /// to end by themselves. All proxies at once.
    public func shutDown(draining grace: Duration) async {
        isEnding = true
        expiry?.cancel()
        await withDiscardingTaskGroup { group in
            for name in proxies.names {
                group.addTask { await self.retire(name, draining: grace) }
            }
        }
    }

    private func retire(_ name: ExactText, draining grace: Duration) async {
        await hold(name)
        defer { letGo(name) }
        guard var record = proxies[name] else { return }
        await removeToxics(of: &record)
        await record.running?.stop(draining: grace)
        record.running = nil
        record.enabled = false
        proxies[name] = record
    }
}

extension ToxicRecord {
    fileprivate func isDue(at now: Duration) -> Bool { lifetime.map { $0.end <= now } ?? false }
}
