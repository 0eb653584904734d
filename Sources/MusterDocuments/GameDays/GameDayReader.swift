public import MusterCore
public import MusterDrills

/// What reading a game day needs from outside.
public struct GameDayResources: Sendable {
    /// What a game day has to know of a drill.
    public struct DrillFacts: Sendable {
        /// The longest that it can take, steps of people not counted.
        public var longest: Duration
        public var environment: Environment
        public var service: String?
        public var limits: DrillLimits

        public init(
            longest: Duration, environment: Environment, service: String?, limits: DrillLimits = DrillLimits()
        ) {
            self.longest = longest
            self.environment = environment
            self.service = service
            self.limits = limits
        }
    }

    /// The rules of a zone. Throws `FormProblem` without a place.
    public var zone: @Sendable (String) throws -> ZoneRules
    /// Names of all zones, for the nearest one.
    public var zoneNames: @Sendable () -> [String]
    /// A drill by path and variables. Throws `FormProblem` without a place.
    public var drill: @Sendable (String, [String: String]) throws -> DrillFacts

    public init(
        zone: @escaping @Sendable (String) throws -> ZoneRules,
        zoneNames: @escaping @Sendable () -> [String],
        drill: @escaping @Sendable (String, [String: String]) throws -> DrillFacts
    ) {
        self.zone = zone
        self.zoneNames = zoneNames
        self.drill = drill
    }
}

extension GameDay {
    /// What reading a file brought to light.
    public struct Examination: Sendable {
        /// nil when there are errors.
        public var gameDay: GameDay?
        /// Why it cannot be used, in the order of the file.
        public var errors: [FormProblem] = []
        public var warnings: [FormProblem] = []
        /// The longest that all drills and the gates between them can take.
        public var longest = Duration.zero
    }

    /// Reads and checks a file.
    /// - Parameter now: a window that is over by then is told of.
    public static func examine(_ text: String, now: Moment, resources: GameDayResources) -> Examination {
        var reader = GameDayReader(now: now, resources: resources)
        do {
            let tree = try YamlText.tree(of: text)
            let form = try GameDayForm(node: tree)
            let day = reader.build(form, tree)
            var examination = Examination(
                errors: reader.problems.inOrder, warnings: reader.warnings.inOrder, longest: reader.longest)
            if reader.problems.isEmpty { examination.gameDay = day }
            return examination
        } catch {
            let problems = (error as? FormProblems)?.problems ?? [FormProblem("\(error)", at: nil)]
            return Examination(errors: problems.inOrder)
        }
    }
}

/// From the form to a game day, with everything that only the whole can tell.
struct GameDayReader {
    let now: Moment
    let resources: GameDayResources
    var problems: [FormProblem] = []
    var warnings: [FormProblem] = []
    private(set) var longest = Duration.zero

    init(now: Moment, resources: GameDayResources) {
        self.now = now
        self.resources = resources
    }

    mutating func build(_ form: GameDayForm, _ tree: FormNode) -> GameDay? {
        if let problem = nameProblem(form.gameday, tree["gameday"]?.place) { problems.append(problem) }
        let zone = self.zone(form.when.timezone, at: tree["when"]?["timezone"])
        var day = GameDay(
            name: form.gameday, title: form.title, purpose: form.purpose,
            author: form.author ?? form.roles.owner, zone: form.when.timezone,
            starts: (zone ?? .utc).moment(of: form.when.starts),
            ends: (zone ?? .utc).moment(of: form.when.ends))
        day.services = form.services
        day.environment = form.environment
        day.tier = form.tier
        day.roster = GameDayRoster(form.roles.holders, absent: form.absent)
        day.isBlind = form.blind
        day.checklist = form.checklist.entries.map { entry in
            var question = GameDay.Question(
                name: entry.name, ask: entry.item.fields.ask, role: entry.item.fields.role)
            question.otherwise = entry.item.fields.otherwise == .warn ? .warn : .block
            return question
        }
        day.limits.freeSpace = form.preflight.freeSpace
        day.limits.clockOffset = form.preflight.clockOffset
        day.limits.revertVerifiedWithin = form.preflight.revertVerifiedWithin
        day.limits.backups = form.preflight.backups.map { .init(path: $0.path, within: $0.within) }
        day.drills = form.drills.entries.map { Self.card($0.name, $0.item) }
        day.onFail = form.onFail
        day.settle.duration = form.settle.duration
        day.settle.within = form.settle.within
        day.abort = form.abort.criteria
        day.comms.start = form.comms.start
        day.comms.abort = form.comms.abort
        day.comms.end = form.comms.end
        day.comms.convert = form.comms.convert
        lintPeople(day, tree)
        lintAbort(day, tree)
        lintDrills(day, tree)
        lintWindow(day, tree, knowsZone: zone != nil)
        return day
    }

    private static func card(_ name: String, _ form: CardForm) -> GameDay.Card {
        var card = GameDay.Card(
            name: name, drill: form.drill, title: form.title, failure: form.failure, impact: form.impact,
            response: form.response, rollback: form.rollback)
        card.variables = form.vars
        card.alert = form.alert?.name
        card.alertWithin = form.alert?.within
        card.conflicts = form.conflictsWith
        card.onFail = form.onFail
        return card
    }

    private mutating func zone(_ name: String, at node: FormNode?) -> ZoneRules? {
        do {
            return try ZoneNames.rules(name, known: resources.zoneNames(), read: resources.zone)
        } catch var problem as FormProblem {
            problem.place = problem.place ?? node?.place
            problems.append(problem)
        } catch {
            problems.append(FormProblem("\(error)", at: node?.place))
        }
        return nil
    }

    // MARK: What only the whole can tell

    private mutating func lintDrills(_ day: GameDay, _ tree: FormNode) {
        let node = tree["drills"]
        if day.drills.isEmpty {
            problems.append(FormProblem("there is no drill", at: node?.place, expected: "at least one"))
        }
        let names = day.drills.map(\.name)
        for (position, card) in day.drills.enumerated() {
            let own = node?[card.name]
            for (index, other) in card.conflicts.enumerated() {
                let place = own?["conflictsWith"]?.list?[index].place
                if !names.contains(other) {
                    problems.append(
                        FormProblem(
                            "the day has no drill '\(other)'", at: place,
                            expected: "one of " + names.joined(separator: ", "),
                            nearest: nearestWord(to: other, among: names)))
                } else if names[..<position].contains(other) {
                    problems.append(
                        FormProblem(
                            "'\(card.name)' comes after '\(other)', with which it conflicts", at: place,
                            expected: "it before '\(other)', or on another day"))
                }
            }
            do {
                let facts = try resources.drill(card.drill, card.variables)
                longest = longest + facts.longest
                if facts.environment != day.environment {
                    problems.append(
                        FormProblem(
                            "\(card.drill) is for \(facts.environment.rawValue), and the day for "
                                + day.environment.rawValue, at: own?["drill"]?.place,
                            expected: "drills of the day's environment"))
                }
                if let service = facts.service, !day.services.contains(service) {
                    warnings.append(
                        FormProblem(
                            "\(card.drill) breaks '\(service)', which the day does not name",
                            at: own?["drill"]?.place, expected: "'\(service)' under services"))
                }
                lintAbort(day, card, facts, tree)
            } catch var problem as FormProblem {
                problem.place = problem.place ?? own?["drill"]?.place
                problems.append(problem)
            } catch {
                problems.append(FormProblem("\(error)", at: own?["drill"]?.place))
            }
        }
        longest = longest + day.settle.within * max(0, day.drills.count - 1)
    }

    private mutating func lintWindow(_ day: GameDay, _ tree: FormNode, knowsZone: Bool) {
        guard knowsZone else { return }
        let when = tree["when"]
        if day.ends <= day.starts {
            // Two local times in order, and yet not in order: the clocks are put back between them.
            problems.append(
                FormProblem(
                    "it is over before it begins, because clocks are changed", at: when?["ends"]?.place,
                    expected: "a later 'ends'"))
        } else if day.ends - day.starts < longest {
            problems.append(
                FormProblem(
                    "the window is \((day.ends - day.starts).forPeople) long, and the drills with the gates "
                        + "between them can take \(longest.forPeople)", at: when?["ends"]?.place,
                    expected: "a later 'ends', fewer drills, or shorter limits in them"))
        }
        if day.ends < now {
            warnings.append(
                FormProblem(
                    "the day is over", at: when?["ends"]?.place, expected: "a later date, to hold it again"))
        }
    }
}

extension [FormProblem] {
    /// In the order of the file; those without a place first.
    var inOrder: Self {
        enumerated().sorted { one, other in
            let a = one.element.place ?? Place(line: 0, column: 0)
            let b = other.element.place ?? Place(line: 0, column: 0)
            return (a.line, a.column, one.offset) < (b.line, b.column, other.offset)
        }.map(\.element)
    }
}

/// The name of a game day, out of a file that may be wrong otherwise.
public enum YamlName {
    /// - Throws: `FormProblems` for what is no YAML.
    public static func gameDay(_ text: String) throws -> String? {
        try YamlText.tree(of: text)["gameday"]?.text
    }

    /// Whether responders are not to be told which drills there are, whatever else may be wrong with the file.
    public static func isBlind(gameDay text: String) -> Bool {
        (try? YamlText.tree(of: text))?["blind"]?.text == "true"
    }
}
