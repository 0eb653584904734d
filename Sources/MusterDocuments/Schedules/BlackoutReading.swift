import MusterCore
public import MusterDrills

extension Schedules {
    /// The blackouts of a file, whatever else is wrong with it: a freeze holds although somebody misspelt a drill.
    /// - Parameter zone: the rules of a zone. Throws `FormProblem` without a place.
    /// - Throws: `FormProblems` when zone and blackouts cannot be read.
    public static func blackouts(
        of text: String, zone: (String) throws -> ZoneRules
    ) throws -> ScheduleCalendar {
        let tree = try YamlText.tree(of: text)
        guard let node = tree["blackouts"] else { return ScheduleCalendar() }
        let form = try Named<BlackoutForm>(node: node)
        guard let name = tree["timezone"]?.text else {
            throw FormProblems([
                FormProblem(
                    "nothing says in which zone the blackouts are", at: tree.place, expected: "timezone")
            ])
        }
        do {
            return ScheduleReader.calendar(form, try zone(name))
        } catch var problem as FormProblem {
            problem.place = problem.place ?? tree["timezone"]?.place
            throw FormProblems([problem])
        }
    }
}
