/// The whole safety argument on two screens.
///
/// Inject: plan, then every fact must hold and no claim may overlap, then the journal is durable, and only
/// then is anything touched. Undo: restore each fact in the order of `MendingPhase`, read it again, and only
/// then close. Whoever dies in between leaves an open row that says what must hold.
public struct Injector {
    let host: any Host
    let journal: any Journal
    let catalog: FactCatalog

    public init(host: any Host, journal: any Journal, facts catalog: FactCatalog) {
        self.host = host
        self.journal = journal
        self.catalog = catalog
    }

    /// Everything that `inject` would write down, without touching anything.
    /// - Throws: `FaultRefusal` when the fault refuses, a fact does not hold already, or a claim overlaps.
    public func plan(_ request: InjectionRequest) throws -> (Injection, UndoPlan) {
        let plan = try request.fault.plan(for: request.target, as: request.id, on: host)
        if let reason = plan.irreversible, !request.target.allow.contains("irreversible") {
            throw FaultRefusal(
                .irreversible, "NOT UNDOABLE: \(reason)",
                advice: "declare `restart:` on the target, or `allow: [irreversible]` to accept it")
        }
        let isFixture = Injection.isFixture(request.faultName)
        let helpers =
            plan.facts.contains { $0 is NoHelper } ? [] : [NoHelper(id: request.id, isFixture: isFixture)]
        let facts = helpers as [any Fact] + plan.facts
        for fact in facts {
            if case .violated(let found) = try fact.state(on: host) {
                throw FaultRefusal(
                    .unsafe,
                    "before the injection it should already hold that \(fact.sentence), but: \(found)",
                    advice: "put that right first, or run `muster undo` if an earlier drill left it")
            }
        }
        for open in try journal.openInjections() {
            if let (mine, theirs) = overlap(plan.claims, open.claims) {
                throw FaultRefusal(
                    .claimed,
                    "\(mine.resource) \(mine.name) is already claimed by '\(open.name)' (\(theirs.name))",
                    advice: "lift that injection first")
            }
        }
        let injection = Injection(
            id: request.id, run: request.run, name: request.name, fault: request.faultName,
            parameters: request.parameters, target: request.target.value, facts: facts.map(\.stored),
            claims: plan.claims, disposals: plan.disposals, mending: plan.mending, bootID: try host.bootID(),
            openedAtUTC: request.utc)
        return (injection, plan)
    }

    /// - Parameter permitted: throws once the lease is lost; asked before each step that cannot be taken back
    ///   without an undo.
    /// - Parameter struck: told between which instants the fault itself acted: neither planning nor the
    ///   journal belongs to the time from which a recovery is counted.
    /// - Throws: whatever planning, the journal or the fault throws. Once the journal holds the row it stays
    ///   open, and the caller must undo it.
    public func inject(
        _ request: InjectionRequest, permitted: () throws -> Void, struck: (Bracket) -> Void = { _ in }
    ) throws -> Injection {
        let (injection, plan) = try plan(request)
        try permitted()
        try journal.open(injection)
        try permitted()
        let begun = host.monotonic()
        try request.fault.inject(into: request.target, as: request.id, plan: plan, on: host)
        struck(Bracket(begun, host.monotonic()))
        return injection
    }

    /// Proof that an injection took effect, or not yet; asked again until it is proven or too late.
    public func effect(of injection: Injection, _ fault: any Fault, on target: Target) throws -> Effect {
        let facts = try injection.facts.compactMap { try catalog.fact($0) }
        return try fault.effect(on: target, as: injection.id, facts: facts, seenBy: host)
    }

    /// Makes every fact of `injections` hold again and closes those for which that was verified. One failure
    /// never stops the others.
    /// - Parameters:
    ///   - recovered: injections with `mending: byRecovery` whose recovery the drill has proven.
    ///   - progress: told what is about to be restored, so that a watcher knows what hangs.
    public func undo(
        _ injections: [Injection], recovered: Set<InjectionID> = [],
        progress: (InjectionID, String) -> Void = { _, _ in }
    ) -> [UndoResult] {
        var work = injections.reversed().map {
            Work($0, catalog, host, superseded: recovered.contains($0.id))
        }
        let batch = Set(injections.map(\.id))
        let others = Result { try journal.openInjections().filter { !batch.contains($0.id) } }
        for phase in MendingPhase.allCases {
            for index in work.indices {
                if phase == .fixtures,
                    let reason = work[index].reasonToStay ?? reasonToKeep(work[index], among: work, others)
                {
                    work[index].hold(reason)
                    continue
                }
                restore(&work[index], in: phase, progress)
            }
            for index in work.indices { verify(&work[index], in: phase) }
            // Rows that need nothing of what comes later are closed now: a crash while a fixture comes down
            // must not make a fact about that fixture's files look violated.
            for index in work.indices where work[index].lastPhase <= phase { close(&work[index]) }
        }
        return work.reversed().map(\.result)
    }

    /// Removes what closed injections left for disposal. Never throws: a leftover backup harms nobody and is
    /// tried again next time.
    public func disposeOfLeftovers() {
        for (id, disposal) in (try? journal.pendingDisposals()) ?? [] {
            guard (try? host.remove(disposal.path)) != nil else { continue }
            try? journal.disposed(disposal, of: id)
        }
    }

    /// Whether somebody still has to be mended inside of a scratch directory: without it that could never be
    /// done. Nobody can tell while the journal cannot be read.
    private func reasonToKeep(_ scratch: Work, among work: [Work], _ others: Result<[Injection], any Error>)
        -> String?
    {
        let places = scratch.claims.filter { $0.resource == "scratch" }.map(\.name)
        guard !places.isEmpty else { return nil }
        guard case .success(let others) = others else {
            return "kept, because the journal cannot be asked what else lies in it"
        }
        let unsettled = work.filter { $0.result.id != scratch.result.id && !$0.result.isSettled }
        let open = unsettled.map { ($0.result.name, $0.claims) } + others.map { ($0.name, $0.claims) }
        let holder = open.first { _, claims in
            claims.contains { claim in
                ["path", "file-system"].contains(claim.resource)
                    && places.contains { claim.name == $0 || claim.name.hasPrefix($0 + "/") }
            }
        }
        return holder.map { "kept for '\($0.0)', which lies in it and is not mended yet" }
    }

    private func restore(
        _ work: inout Work, in phase: MendingPhase, _ progress: (InjectionID, String) -> Void
    ) {
        for index in work.facts.indices where work.facts[index].fact.phase == phase {
            // A helper that cannot be ended could undo the mending again: leave the rest for the next try.
            if phase > .helpers, work.helperRemains { continue }
            let fact = work.facts[index].fact
            progress(work.result.id, fact.sentence)
            do {
                let state = try fact.state(on: host)
                work.result.facts[index].before = state
                // What cannot be found out here must not hinder the mending.
                work.result.facts[index].endedEarly = try? fact.endedEarly(state, on: host)
                // Helpers that are gone may have left an empty cgroup behind, which only ending them removes.
                if !state.isSettled || fact is NoHelper { try fact.restore(on: host) }
            } catch {
                work.result.facts[index].problem = describe(error)
            }
        }
    }

    private func verify(_ work: inout Work, in phase: MendingPhase) {
        for index in work.facts.indices where work.facts[index].fact.phase == phase {
            do {
                let state = try work.facts[index].fact.state(on: host)
                work.result.facts[index].after = state
                if case .violated(let found) = state, work.result.facts[index].problem == nil {
                    work.result.facts[index].problem = found
                }
                if state.isSettled { work.result.facts[index].problem = nil }
            } catch {
                work.result.facts[index].problem = describe(error)
            }
        }
        if phase == .helpers {
            work.helperRemains = work.result.facts.contains { $0.isHelper && !$0.isSettled }
        }
    }

    private func close(_ work: inout Work) {
        guard work.result.closed == nil, work.result.isSettled else { return }
        do {
            let how: Closing = work.superseded ? .superseded : .verified
            try journal.close(work.result.id, how)
            work.result.closed = how
        } catch {
            work.result.problem = "the journal could not be closed: \(describe(error))"
            return
        }
        // Only now: as long as the row was open, the backup was needed.
        if !work.superseded { disposeOfLeftovers() }
    }

    private func overlap(_ mine: [Claim], _ theirs: [Claim]) -> (Claim, Claim)? {
        for claim in mine {
            if let other = theirs.first(where: { $0.overlaps(claim) }) { return (claim, other) }
        }
        return nil
    }

    /// One injection on its way back.
    private struct Work {
        var result: UndoResult
        /// In step with `result.facts`.
        var facts: [(fact: any Fact, stored: StoredFact)] = []
        var claims: [Claim]
        var superseded: Bool
        var helperRemains = false
        var lastPhase: MendingPhase { facts.map(\.fact.phase).max() ?? .helpers }

        /// While somebody's traffic is still led to a fixture, ending it would cut them off from what they depend on.
        var reasonToStay: String? {
            let isLed = zip(facts, result.facts).contains { $0.fact.phase == .network && !$1.isSettled }
            return isLed ? "kept, because the network still leads to it" : nil
        }

        mutating func hold(_ reason: String) {
            for index in facts.indices where facts[index].fact.phase == .fixtures {
                result.facts[index].problem = reason
            }
        }

        init(
            _ injection: Injection, _ catalog: FactCatalog, _ host: any HostReader, superseded: Bool
        ) {
            self.superseded = superseded && injection.mending == .byRecovery
            claims = injection.claims
            result = UndoResult(id: injection.id, name: injection.name, fault: injection.fault)
            for stored in injection.facts {
                if self.superseded && stored.kind != NoHelper.kind { continue }
                do {
                    guard let fact = try catalog.fact(stored) else {
                        result.unknown.append(stored)
                        continue
                    }
                    facts.append((fact, stored))
                    result.facts.append(
                        FactResult(
                            sentence: fact.sentence(on: host), isHelper: fact.phase == .helpers,
                            byHand: stored.byHand))
                } catch {
                    result.unknown.append(stored)
                }
            }
        }
    }
}
