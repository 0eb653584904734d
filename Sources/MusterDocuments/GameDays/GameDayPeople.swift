import MusterCore
public import MusterDrills

extension GameDayReader {
    /// What is wrong with who does what.
    mutating func lintPeople(_ day: GameDay, _ tree: FormNode) {
        let roles = tree["roles"]
        for (index, name) in day.roster.absent.enumerated() {
            let held = day.roster.roles(of: name)
            guard !held.isEmpty else { continue }
            problems.append(
                FormProblem(
                    "'\(name)' is absent, and yet \(held.map(\.rawValue).joined(separator: ", "))",
                    at: tree["absent"]?.list?[index].place, expected: "somebody else in that role"))
        }
        if day.tier == 1, !day.roster[.approver].contains(where: { $0 != day.author }) {
            problems.append(
                FormProblem(
                    "only \(day.author), who drew it up, may approve it, and it is of tier 1",
                    at: (roles?["approvers"] ?? roles)?.place, expected: "somebody else under roles.approvers"
                ))
        }
        for scribe in day.roster[.scribe]
        where day.roster.holds(scribe, .responder) || day.roster.holds(scribe, .operator) {
            warnings.append(
                FormProblem(
                    "'\(scribe)' writes things down, and breaks or mends them as well",
                    at: roles?["scribe"]?.place, expected: "a scribe with free hands"))
        }
        if day.isBlind {
            for name in day.roster[.operator] where day.roster.holds(name, .responder) {
                warnings.append(
                    FormProblem(
                        "'\(name)' breaks things, and is to find them blindly",
                        at: roles?["responders"]?.place, expected: "responders who break nothing"))
            }
        }
        for question in day.checklist {
            guard let role = question.role, day.roster[role].isEmpty else { continue }
            problems.append(
                FormProblem(
                    "nobody is \(role.rawValue), who is to say yes",
                    at: tree["checklist"]?[question.name]?["role"]?.place,
                    expected: "somebody in that role, or another role"))
        }
    }
}

extension GameDayRoster {
    /// The people of a game day's file, whatever else may be wrong with it; nil when not even they can be read.
    public init?(readingGameDay text: String) {
        guard let tree = try? YamlText.tree(of: text), let node = tree["roles"],
            let roles = try? RolesForm(node: node)
        else { return nil }
        let absent = tree["absent"].flatMap { try? [String](node: $0) } ?? []
        self.init(roles.holders, absent: absent)
    }
}
