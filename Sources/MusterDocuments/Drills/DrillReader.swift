public import MusterCore
public import MusterDrills

/// What reading a drill brought to light.
public struct DrillExamination: Sendable {
    /// nil when there are errors.
    public var drill: Drill?
    /// Why it cannot be run, in the order of the file.
    public var errors: [FormProblem]
    /// What should be known before it is run.
    public var warnings: [FormProblem]
    /// Values of `${env:…}` and `${file:…}`: never to be shown or stored.
    public var secrets: Set<String>
}

/// Reads drills: text to a tree, variables, forms, then what only the whole can tell.
public struct DrillReader: Sendable {
    public var faults: FaultCatalog
    public var probes: ProbeCatalog
    public var workloads: WorkloadCatalog
    public var datasets: DatasetCatalog
    public var services: Services?
    /// Wall clock, for allowances that expire; nanoseconds since 1970 UTC.
    public var now: Int64

    public init(
        faults: FaultCatalog, probes: ProbeCatalog, workloads: WorkloadCatalog,
        datasets: DatasetCatalog = DatasetCatalog(), services: Services? = nil, now: Int64
    ) {
        self.faults = faults
        self.probes = probes
        self.workloads = workloads
        self.datasets = datasets
        self.services = services
        self.now = now
    }

    /// - Parameter given: variables set on the command line.
    /// - Throws: `FormProblems` with every error.
    public func read(
        _ text: String, setting given: [String: String] = [:], resources: DrillResources = .pretended
    ) throws -> (drill: Drill, secrets: Set<String>) {
        let examination = examine(text, setting: given, resources: resources)
        guard let drill = examination.drill else { throw FormProblems(examination.errors) }
        return (drill, examination.secrets)
    }

    /// Reads and checks; everything that is wrong or doubtful is in the result.
    public func examine(
        _ text: String, setting given: [String: String] = [:], resources: DrillResources = .pretended
    ) -> DrillExamination {
        var examination = DrillExamination(drill: nil, errors: [], warnings: [], secrets: [])
        let written: FormNode
        do {
            written = try YamlText.tree(of: text)
        } catch {
            examination.errors = (error as? FormProblems)?.problems ?? [FormProblem("\(error)", at: nil)]
            return examination
        }
        var problems: [FormProblem] = []
        let variables = VariableReader.values(in: written, setting: given, problems: &problems)
        var substitution = Substitution(variables: variables, resources: resources)
        let tree = substitution.replace(in: written)
        problems += substitution.problems
        examination.secrets = substitution.secrets

        let form = formed(tree, &problems)
        var builder = DrillBuilder(reader: self, tree: tree, variables: variables)
        builder.unread = Set(problems.map { String($0.path.prefix { $0 != "." && $0 != "[" }) })
        if tree["steps"] == nil { builder.unread.insert("steps") }
        let drill = builder.build(form)
        problems += builder.problems
        examination.errors = sorted(problems, hiding: substitution.secrets)
        examination.warnings = sorted(builder.warnings, hiding: substitution.secrets)
        if examination.errors.isEmpty { examination.drill = drill }
        return examination
    }

    /// The form of the file, or as much of it as can be read: what is wrong with one key must not hide what
    /// is wrong with another.
    private func formed(_ tree: FormNode, _ problems: inout [FormProblem]) -> DrillForm {
        do {
            return try DrillForm(node: tree)
        } catch {
            let found = (error as? FormProblems)?.problems ?? []
            problems += found
            let bad = Set(found.map { String($0.path.prefix { $0 != "." && $0 != "[" }) })
            let known = Set(DrillForm.form.fields.map(\.name))
            var left = tree.entries?.filter { known.contains($0.key) && !bad.contains($0.key) } ?? []
            for (key, filler) in [
                ("format", FormNode.Content.scalar("1")), ("drill", .scalar("unnamed")), ("steps", .list([])),
            ]
            where !left.contains(where: { $0.key == key }) {
                left.append(FormNode.Entry(key: key, value: FormNode(filler)))
            }
            return (try? DrillForm(node: FormNode(.map(left), place: tree.place))) ?? DrillForm()
        }
    }

    private func sorted(_ problems: [FormProblem], hiding secrets: Set<String>) -> [FormProblem] {
        var seen: Set<FormProblem> = []
        let redaction = Redaction(secrets)
        let shown = problems.map { problem in
            var problem = problem
            problem.message = redaction.text(problem.message)
            return problem
        }
        return shown.filter { problem in
            var key = problem
            key.path = ""
            return seen.insert(key).inserted
        }.enumerated().sorted { one, other in
            let a = one.element.place ?? Place(line: 0, column: 0)
            let b = other.element.place ?? Place(line: 0, column: 0)
            return (a.line, a.column, one.offset) < (b.line, b.column, other.offset)
        }.map(\.element)
    }
}

/// Reads `vars:` and what the command line sets.
enum VariableReader {
    static func values(
        in tree: FormNode, setting given: [String: String], problems: inout [FormProblem]
    ) -> [String: String] {
        let node = tree["vars"] ?? FormNode(.map([]))
        // Problems of the form itself are found when the whole is read.
        let declared = (try? Named<VariableForm>(node: node))?.entries ?? []
        var values: [String: String] = [:]
        for entry in declared {
            guard let value = given[entry.name] ?? entry.item.defaultValue else {
                problems.append(
                    FormProblem(
                        "the variable '\(entry.name)' has no value", at: entry.place,
                        expected: "a default, or --var \(entry.name)=…"))
                values[entry.name] = ""
                continue
            }
            if let allowed = entry.item.oneOf, !allowed.contains(value), given[entry.name] != nil {
                problems.append(
                    FormProblem(
                        "--var \(entry.name)=\(value): not an allowed value", at: entry.place,
                        expected: "one of " + allowed.joined(separator: ", "),
                        nearest: nearestWord(to: value, among: allowed)))
            }
            values[entry.name] = value
        }
        let names = declared.map(\.name)
        for (name, value) in given.sorted(by: { $0.key < $1.key }) where !names.contains(name) {
            problems.append(
                FormProblem(
                    "--var \(name)=\(value): the drill has no such variable", at: tree["vars"]?.place,
                    expected: names.isEmpty ? "no --var" : "one of " + names.joined(separator: ", "),
                    nearest: nearestWord(to: name, among: names)))
        }
        return values
    }
}
