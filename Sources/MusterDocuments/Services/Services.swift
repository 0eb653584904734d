import MusterCore
public import MusterDrills

/// The registry of services, `drills/services.yaml`: who must recover how fast, and what must be drilled.
public struct Services: Sendable {
    /// A service with what it inherits.
    public struct Service: Sendable {
        public var name: String
        public var tier: String?
        public var owner: String?
        public var rto: Duration?
        public var rtoFrom: Objectives.ClockStart
        public var rpo: Duration?
        /// Which writes acknowledged after a fault may be lost at most; nil where no recovery point is asked for, so
        /// that drills may say it themselves.
        public var allowPostFaultLoss: PostFaultLoss?
        public var strictIntegrity: Bool
        /// The most that may pass from a fault until an alert fires, where a drill expects alerts.
        public var detect: Duration?
        /// Maximum tolerable downtime.
        public var mtd: Duration?
        public var verifyEvery: Duration?
        /// Over a long time; outages of drills are set against the error budget that it leaves.
        public var availability: AvailabilityGoal?
        public var dependsOn: [String]
        /// What must be covered; never empty: without failure modes, the service as such.
        public var requirements: [CoverageRequirement]
    }

    public var services: [Service]
    public subscript(name: String) -> Service? { services.first { $0.name == name } }
    /// Everything that `muster verify` asks for.
    public var requirements: [CoverageRequirement] { services.flatMap(\.requirements) }

    /// Reads the registry.
    /// - Parameter now: wall clock in nanoseconds since 1970 UTC, for allowances that expire.
    /// - Throws: `FormProblems` with everything that is wrong.
    public init(reading text: String, now: Int64) throws {
        let tree = try YamlText.tree(of: text)
        let form = try ServicesForm(node: tree)
        let today = CalendarDay(utcNanoseconds: now)
        var problems: [FormProblem] = []
        services = form.services.entries.map { entry in
            let node = tree["services"]?[entry.name]
            return Self.service(entry.name, entry.item, node, form, today, &problems)
        }
        check(tree, &problems)
        if !problems.isEmpty { throw FormProblems(problems) }
    }

    private static func service(
        _ name: String, _ item: ServiceForm, _ node: FormNode?, _ form: ServicesForm, _ today: CalendarDay,
        _ problems: inout [FormProblem]
    ) -> Service {
        let tier = item.tier.flatMap { wanted in form.tiers.entries.first { $0.name == wanted } }
        if let wanted = item.tier, tier == nil {
            let known = form.tiers.entries.map(\.name)
            problems.append(
                FormProblem(
                    "unknown tier '\(wanted)'", at: node?["tier"]?.place,
                    expected: "one of " + known.joined(separator: ", "),
                    nearest: nearestWord(to: wanted, among: known)))
        }
        if let tier {
            for key in item.objectives.looser(than: tier.item.objectives) {
                let problem = item.loosened.problem(
                    key, of: "tier '\(tier.name)'", node: node, loosenedAt: node?["loosened"], today: today)
                if let problem { problems.append(problem) }
            }
        }
        let merged = item.objectives.over(tier?.item.objectives)
        let requirement = CoverageRequirement(service: name, verifyEvery: merged.verifyEvery)
        return Service(
            name: name, tier: item.tier, owner: item.owner, rto: merged.rto?.max,
            rtoFrom: merged.rto?.from ?? .fault, rpo: merged.rpo,
            allowPostFaultLoss: merged.mostPostFaultLoss, strictIntegrity: merged.integrity != nil,
            detect: merged.detect, mtd: merged.mtd, verifyEvery: merged.verifyEvery,
            availability: merged.availability,
            dependsOn: item.dependsOn,
            requirements: item.failureModes.isEmpty
                ? [requirement]
                : item.failureModes.map {
                    CoverageRequirement(
                        service: name, failureMode: $0.mode, verifyEvery: merged.verifyEvery, scope: $0.scope)
                })
    }

    private func check(_ tree: FormNode, _ problems: inout [FormProblem]) {
        for service in services {
            let node = tree["services"]?[service.name]
            for place in node?["dependsOn"]?.list ?? [] {
                guard let name = place.text else { continue }
                guard let needed = self[name] else {
                    problems.append(
                        FormProblem(
                            "unknown service '\(name)'", at: place.place,
                            expected: "one of " + services.map(\.name).joined(separator: ", "),
                            nearest: nearestWord(to: name, among: services.map(\.name))))
                    continue
                }
                if let mine = service.rto, let theirs = needed.rto, theirs > mine {
                    problems.append(
                        FormProblem(
                            "'\(name)' may take \(theirs.unitsText) to recover, longer than "
                                + "'\(service.name)', which needs it",
                            at: place.place, expected: "an RTO of '\(name)' of at most \(mine.unitsText)"))
                }
            }
        }
    }
}

extension Loosening? {
    /// - Returns: why `key` must not be looser than what it inherits; nil when it may.
    func problem(
        _ key: String, of source: String, node: FormNode?, loosenedAt: FormNode?, today: CalendarDay
    ) -> FormProblem? {
        guard let self else {
            return FormProblem(
                "'\(key)' is looser than that of \(source)", at: node?[key]?.place ?? node?.place,
                expected: "a tighter one, or loosened: { reason: …, approver: …, expires: 2027-03-31 }")
        }
        if self.expires < today {
            return FormProblem(
                "the allowance for a looser '\(key)' expired on \(self.expires.text)",
                at: loosenedAt?["expires"]?.place, expected: "a new approval, or the tighter objective")
        }
        return nil
    }
}
