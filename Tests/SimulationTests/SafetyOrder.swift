import MusterCore
import MusterFaults

/// The order in which things are journalled, broken, mended and closed: the one that ships, and mutants that
/// the simulation must catch.
protocol SafetyOrder: Sendable {
    func inject(_ request: InjectionRequest, in world: World, permitted: () throws -> Void) throws
    func undo(_ injections: [Injection], in world: World)
    func tidy(_ world: World)
}

extension SafetyOrder {
    fileprivate func injector(_ world: World) -> Injector {
        Injector(host: world, journal: world, facts: .standard)
    }
    func inject(_ request: InjectionRequest, in world: World, permitted: () throws -> Void) throws {
        _ = try injector(world).inject(request, permitted: permitted)
    }
    func undo(_ injections: [Injection], in world: World) { _ = injector(world).undo(injections) }
    func tidy(_ world: World) { injector(world).disposeOfLeftovers() }
}

struct Shipping: SafetyOrder {}

/// Breaks first and writes it down afterwards.
struct InjectBeforeJournalling: SafetyOrder {
    func inject(_ request: InjectionRequest, in world: World, permitted: () throws -> Void) throws {
        let (injection, plan) = try injector(world).plan(request)
        try permitted()
        try request.fault.inject(into: request.target, as: request.id, plan: plan, on: world)
        try world.open(injection)
    }
}

/// Closes first and restores afterwards.
struct CloseBeforeRestoring: SafetyOrder {
    func undo(_ injections: [Injection], in world: World) {
        for injection in injections.reversed() {
            try? world.close(injection.id, .verified)
            restoreAll(injection, in: world)
        }
        tidy(world)
    }
}

/// Takes a restore's word for it, and does not read the facts again before it closes.
struct CloseWithoutVerifying: SafetyOrder {
    func undo(_ injections: [Injection], in world: World) {
        for injection in injections.reversed() {
            restoreAll(injection, in: world)
            try? world.close(injection.id, .verified)
        }
        tidy(world)
    }
}

/// Removes the copy before the original was restored from it.
struct DisposeFirst: SafetyOrder {
    func undo(_ injections: [Injection], in world: World) {
        for injection in injections {
            for disposal in injection.disposals { try? world.remove(disposal.path) }
        }
        _ = injector(world).undo(injections)
    }
}

/// Leaves helpers alone: what they do later is their business.
struct IgnoreHelpers: SafetyOrder {
    func undo(_ injections: [Injection], in world: World) {
        let careless = injections.map { injection in
            var injection = injection
            injection.facts.removeAll { $0.kind == NoHelper.kind && $0.fields["fixture"]?.asBool != true }
            return injection
        }
        _ = injector(world).undo(careless)
    }
}

/// Takes a proxy down first and its redirect away afterwards.
struct RedirectLast: SafetyOrder {
    func undo(_ injections: [Injection], in world: World) {
        undo(injections, without: NoRedirect.kind, in: world)
    }
}

/// Leaves it to the proxies to lift what is on them.
struct TrustDeadlines: SafetyOrder {
    func undo(_ injections: [Injection], in world: World) {
        undo(injections, without: NoToxic.kind, in: world)
    }
}

/// Goes on injecting after the lease was lost.
struct InjectWithoutLease: SafetyOrder {
    func inject(_ request: InjectionRequest, in world: World, permitted: () throws -> Void) throws {
        _ = try injector(world).inject(request) {}
    }
}

extension SafetyOrder {
    fileprivate func undo(_ injections: [Injection], without kind: String, in world: World) {
        let careless = injections.map { injection in
            var injection = injection
            injection.facts.removeAll { $0.kind == kind }
            return injection
        }
        _ = injector(world).undo(careless)
    }

    fileprivate func restoreAll(_ injection: Injection, in world: World) {
        for stored in injection.facts {
            guard let fact = try? FactCatalog.standard.fact(stored) else { continue }
            if (try? fact.state(on: world).isSettled) == false { try? fact.restore(on: world) }
        }
    }
}
