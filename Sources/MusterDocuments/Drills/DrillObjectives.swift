import MusterCore
import MusterDrills

extension DrillBuilder {
    /// The service that the drill names.
    mutating func inherited(by form: DrillForm) -> Services.Service? {
        guard let name = form.service, let services = reader.services else { return nil }
        if let service = services[name] { return service }
        let known = services.services.map(\.name)
        problems.append(
            FormProblem(
                "unknown service '\(name)'", at: tree["service"]?.place, path: "service",
                expected: "one of " + known.joined(separator: ", "),
                nearest: nearestWord(to: name, among: known)))
        return nil
    }

    /// The drill's own objectives over the service's. Tightening is free; loosening needs somebody's word.
    mutating func objectives(_ form: DrillForm, _ service: Services.Service?) -> Objectives {
        let own = form.objectives
        var result = Objectives()
        result.rto = own.rto?.max ?? service?.rto
        result.rtoFrom = own.rto?.from ?? service?.rtoFrom ?? .fault
        result.rpo = own.rpo ?? service?.rpo
        result.allowPostFaultLoss = own.allowPostFaultLoss ?? service?.allowPostFaultLoss ?? .forbidden
        result.strictIntegrity = own.integrity == .strict || service?.strictIntegrity == true
        result.availability = own.availability
        result.latency = own.latency
        result.degradation = own.degradation
        result.detectBudget = own.rto?.detectBudget
        // A drill that expects no alert says nothing about who would notice.
        result.detect = own.detect ?? (form.alerts.entries.isEmpty ? nil : service?.detect)
        result.serviceLevel = service?.availability
        guard let service else { return result }
        let inherits =
            (own.rto == nil && service.rto != nil) || (own.rpo == nil && service.rpo != nil)
            || (own.integrity == nil && service.strictIntegrity)
            || (own.allowPostFaultLoss == nil && result.allowPostFaultLoss != .forbidden)
            || (own.detect == nil && result.detect != nil)
        if inherits { result.source = "services.yaml: \(service.name)" }

        var looser: [String] = []
        if let mine = own.rto?.max, let theirs = service.rto, mine > theirs { looser.append("rto") }
        if let mine = own.rpo, let theirs = service.rpo, mine > theirs { looser.append("rpo") }
        if let mine = own.detect, let theirs = service.detect, mine > theirs { looser.append("detect") }
        if let mine = own.allowPostFaultLoss, let theirs = service.allowPostFaultLoss, mine > theirs {
            looser.append("allowPostFaultLoss")
        }
        let node = tree["objectives"]
        for key in looser {
            let problem = own.loosened.problem(
                key, of: "service '\(service.name)'", node: node, loosenedAt: node?["loosened"],
                today: CalendarDay(utcNanoseconds: reader.now))
            if let problem { problems.append(problem) }
        }
        return result
    }
}
