import MusterCore
import MusterSystem

/// Answers requests, one at a time.
struct HandsWorker {
    let equipment: Equipment
    let host: any Host
    let journal: any KeptJournal
    let mender: Mender
    private let clock = SystemTimekeeper()

    init(equipment: Equipment, host: any Host, journal: any KeptJournal) {
        self.equipment = equipment
        self.host = host
        self.journal = journal
        mender = Mender(host: host, journal: journal, facts: equipment.facts)
    }

    /// The whole answer as a line for the engine.
    func answer(
        _ line: [UInt8], permitted: () throws -> Void, progress: (InjectionID, String) -> Void
    ) -> [UInt8] {
        let from = clock.monotonic()
        var id: Int64 = 0
        do {
            let request = try Frame.decode(RequestFrame.self, from: line)
            id = request.id
            return try answer(request, from, permitted, progress)
        } catch {
            let frame = ErrorFrame(
                reply: id, error: GuardFailure(error), from: from, to: clock.monotonic())
            return (try? Frame.encode(frame)) ?? []
        }
    }

    private func answer(
        _ request: RequestFrame, _ from: Instant, _ permitted: () throws -> Void,
        _ progress: (InjectionID, String) -> Void
    ) throws -> [UInt8] {
        func reply(_ result: some Codable) throws -> [UInt8] {
            try Frame.encode(
                ReplyFrame(reply: request.id, result: result, from: from, to: clock.monotonic()))
        }
        switch request.command {
        case .plan(let wish): return try reply(plan(wish))
        case .inject(let wish):
            let (injection, struck) = try inject(wish, permitted)
            return try Frame.encode(
                ReplyFrame(reply: request.id, result: injection, from: struck.lower, to: struck.upper))
        case .effect(let id): return try reply(effect(id))
        case .undo(let ids, let recovered):
            return try reply(
                mender.mend(ids.map { Set($0) }, recovered: Set(recovered), progress: progress))
        case .ended(let id): return try reply(closeStep(id))
        case .list: return try reply(journal.openInjections())
        case .check: return try reply(check())
        case .supervisor(let id, let ask): return try reply(host.ask(supervisorOf: id, ask))
        case .renew, .abort, .bye, .unknown:
            throw GuardFailure(
                .unsupported, "request '\(request.command.name)' is not known to this guard",
                advice: "install the same version of Muster on both sides")
        }
    }

    private func plan(_ wish: InjectionWish) throws -> PlanReply {
        let request = try read(wish)
        let (injection, plan) = try mender.injector.plan(request)
        return PlanReply(
            injection: injection, touches: plan.touches, sentences: plan.facts.map { $0.sentence(on: host) },
            irreversible: plan.irreversible, persistence: request.fault.persistence)
    }

    /// - Returns: the journal's row, and between which instants the fault acted.
    private func inject(_ wish: InjectionWish, _ permitted: () throws -> Void) throws -> (Injection, Bracket)
    {
        switch journal.standing {
        case .sound: break
        case .setAside(let paths):
            throw GuardFailure(
                .journal, "an unreadable journal was set aside as \(paths.joined(separator: ", "))",
                advice: "run `muster undo --scan` to see what it may have left, then start the drill again")
        case .readOnly(let reason):
            throw GuardFailure(
                .journal, "nothing can be recorded, so nothing is injected: \(reason)",
                advice: "make the state directory writable, or choose another with --state")
        }
        try Halt.check()
        try permitted()
        var struck = Bracket(clock.monotonic(), clock.monotonic())
        let request = try read(wish)
        do {
            if let step = try openStep(wish.id) {
                // Another attempt at it.
                let plan = try request.fault.plan(for: request.target, as: wish.id, on: host)
                try request.fault.inject(into: request.target, as: wish.id, plan: plan, on: host)
                return (step, struck)
            }
            let injection = try mender.injector.inject(request, permitted: permitted) { struck = $0 }
            return (injection, struck)
        } catch let refusal as FaultRefusal where isOpen(wish.id) {
            // Too late to count as refused: the row is there, and must be undone.
            throw GuardFailure(.host, refusal.message, advice: refusal.advice)
        }
    }

    /// Closes a step that ended by itself: nothing else may be closed without having been mended.
    /// - Returns: whether it was open.
    private func closeStep(_ id: InjectionID) throws -> Bool {
        guard try openStep(id) != nil else { return false }
        try journal.close(id, .ended)
        return true
    }

    private func openStep(_ id: InjectionID) throws -> Injection? {
        try journal.openInjections().first { $0.id == id && $0.isStep }
    }

    /// Whether the journal holds it, or cannot say.
    private func isOpen(_ id: InjectionID) -> Bool {
        (try? journal.openInjections().contains { $0.id == id }) ?? true
    }

    private func read(_ wish: InjectionWish) throws -> InjectionRequest {
        guard let fault = try equipment.faults.fault(named: wish.fault, from: FormNode(wish.parameters))
        else {
            throw GuardFailure(
                .unsupported, "fault '\(wish.fault)' is not known to this guard",
                advice: "see `muster faults`; install the same version of Muster on both sides")
        }
        guard let target = Target(wish.target) else {
            throw GuardFailure(
                .invalid, "the target \(wish.target.canonicalJSON) cannot be read",
                advice: "install the same version of Muster on both sides")
        }
        return InjectionRequest(
            id: wish.id, run: wish.run, name: wish.name, fault: fault, target: target,
            utc: clock.utcNanoseconds())
    }

    private func effect(_ id: InjectionID) throws -> Effect {
        guard let open = try journal.openInjections().first(where: { $0.id == id }) else {
            throw GuardFailure(
                .notFound, "there is no open injection \(id)", advice: "see `muster guard list`")
        }
        let wish = InjectionWish(
            id: id, run: open.run, name: open.name, fault: open.fault, parameters: open.parameters,
            target: open.target)
        let request = try read(wish)
        let facts = open.facts.compactMap { (try? equipment.facts.fact($0)).flatMap { $0 } }
        return try request.fault.effect(on: request.target, as: id, facts: facts, seenBy: host)
    }

    /// How every open fact stands, without touching anything.
    func check() throws -> [UndoReport] {
        try journal.openInjections().map { injection in
            UndoReport(
                id: injection.id, name: injection.name, fault: injection.fault,
                facts: injection.facts.map { check($0) })
        }
    }

    private func check(_ stored: StoredFact) -> FactReport {
        do {
            guard let fact = try equipment.facts.fact(stored) else { return FactReport(unknown: stored) }
            return FactReport(fact, try fact.state(on: host), on: host)
        } catch {
            var report = FactReport(unknown: stored)
            report.problem = describe(error)
            return report
        }
    }
}
