import MusterCore
import MusterDrills
import MusterFaults

struct LeaseLost: Error {}

/// SQLite's loop: something goes wrong at effect 1, then 2, … until a drill passes untroubled; and after each
/// of these the same again inside the recovery. No combination may leave anything behind.
struct Sweep {
    var order: any SafetyOrder = Shipping()
    /// Helpers that survived act before the recovery begins, or only after it has ended.
    var helpersActEarly = false
    /// How often recovery is troubled before it may finish.
    var recoveries = 1
    private(set) var runs = 0
    private(set) var violations: [String] = []
    private let original = Scenario.original().fingerprint

    init(order: any SafetyOrder = Shipping(), helpersActEarly: Bool = false, recoveries: Int = 1) {
        self.order = order
        self.helpersActEarly = helpersActEarly
        self.recoveries = recoveries
    }

    mutating func crashes(_ scenario: Scenario, _ moment: World.Moment) {
        for n in 1... {
            let world = Scenario.original()
            world.begin(trouble: (n, moment))
            drill(scenario, in: world)
            let wasTroubled = world.isTroubled
            if helpersActEarly {
                world.letHelpersAct()
                world.letProxiesAct()
            }
            recover(world, moment, depth: recoveries, "\(scenario.testDescription), \(moment) of effect \(n)")
            if !wasTroubled { return }
        }
    }

    /// The lease is lost when the n-th effect is done; nobody crashes.
    mutating func leaseLosses(_ scenario: Scenario) {
        for n in 0... {
            let world = Scenario.original()
            world.begin(trouble: nil)
            drill(scenario, in: world, leaseEndsAfter: n)
            let effects = world.effects
            judge(world, "\(scenario.testDescription), lease lost after effect \(n)")
            if n > effects { return }
        }
    }

    private mutating func recover(_ before: World, _ moment: World.Moment, depth: Int, _ story: String) {
        for m in 1... {
            let world = World(copying: before)
            world.begin(trouble: depth > 0 ? (m, moment) : nil)
            mend(world)
            let wasTroubled = world.isTroubled
            if depth > 0, wasTroubled {
                recover(world, moment, depth: depth - 1, story + ", then of \(m) in the recovery")
            } else {
                judge(world, story)
            }
            if !wasTroubled { return }
        }
    }

    private func drill(_ scenario: Scenario, in world: World, leaseEndsAfter limit: Int? = nil) {
        func isLost() -> Bool { limit.map { world.effects >= $0 } ?? false }
        var hasUndone = false
        func undoEverything() {
            guard !hasUndone else { return }
            mend(world)
            hasUndone = true
        }
        for index in scenario.acts.indices {
            // What the guard does when the lease ends: undo all behind the current operation. Requests that
            // were sent before are still in the queue.
            if isLost() { undoEverything() }
            do {
                try order.inject(scenario.request(index), in: world) { if isLost() { throw LeaseLost() } }
            } catch {
                if world.isDead { return }
                if isLost() { undoEverything() } else { break }
            }
        }
        if isLost() { return undoEverything() }
        mendOneByOne(world)
    }

    /// As a guard does at the end of a drill.
    private func mendOneByOne(_ world: World) {
        for injection in world.open.reversed() { order.undo([injection], in: world) }
        mend(world)
    }

    /// As whoever finds open rows does: again and again until nothing is open.
    private func mend(_ world: World) {
        for _ in 1...3 where !world.isDead {
            order.undo((try? world.openInjections()) ?? [], in: world)
            order.tidy(world)
            if world.open.isEmpty, world.leftovers.isEmpty { return }
        }
    }

    private mutating func judge(_ world: World, _ story: String) {
        runs += 1
        world.letHelpersAct()
        world.letProxiesAct()
        let now = world.fingerprint
        if now != original {
            let more = Set(now).subtracting(original).sorted()
            let less = Set(original).subtracting(now).sorted()
            violations.append("\(story): too much: \(more); missing: \(less)")
        }
        if !world.outrages.isEmpty { violations.append("\(story): \(world.outrages.sorted())") }
        if !world.open.isEmpty { violations.append("\(story): still open: \(world.open.map(\.name))") }
        if !world.leftovers.isEmpty { violations.append("\(story): not disposed of: \(world.leftovers)") }
    }
}
