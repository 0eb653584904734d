import MusterCore
import MusterDrills

/// Makes a drill of its form; finds what only the whole can tell.
struct DrillBuilder {
    let reader: DrillReader
    let tree: FormNode
    let variables: [String: String]
    var problems: [FormProblem] = []
    var warnings: [FormProblem] = []
    /// Sections that could not be read: what follows from them only is not reported as well.
    var unread: Set<String> = []

    init(reader: DrillReader, tree: FormNode, variables: [String: String]) {
        self.reader = reader
        self.tree = tree
        self.variables = variables
    }

    mutating func build(_ form: DrillForm) -> Drill {
        var drill = Drill(name: form.drill)
        drill.service = form.service
        drill.environment = form.environment
        drill.failureMode = form.failureMode
        drill.expect = form.expect
        drill.predict = form.predict
        drill.variables = variables
        drill.scratchSize = form.scratch?.size
        drill.fixtures = form.fixtures.entries.map { $0.item.fixture(named: $0.name) }
        for entry in form.targets.entries {
            drill.targets[entry.name] = entry.item.target(named: entry.name)
        }
        readHosts(form.hosts)
        drill.probes = readProbes()
        drill.workloads = readWorkloads()
        drill.datasets = readDatasets()
        drill.judgedBy = form.judgedBy
        drill.alertSources = form.alertSources.entries.map { entry in
            var source = entry.item
            source.name = entry.name
            return source
        }
        drill.alerts = form.alerts.entries.map { entry in
            var alert = entry.item
            alert.name = entry.name
            return alert
        }
        drill.steady = form.steady
        drill.recovered = form.recovered
        drill.abort = form.abort
        let service = inherited(by: form)
        drill.owner = form.owner ?? service?.owner
        drill.objectives = objectives(form, service)

        let written = Set(tree["targets"]?.entries?.map(\.key) ?? [])
        var steps = StepReader(
            reader: reader, targets: drill.targets, written: written, bound: form.abort.after,
            noticing: drill.objectives.detect ?? .seconds(60))
        drill.steps = steps.read(form.steps.map(\.node), under: "steps")
        drill.after = steps.read(form.after.map(\.node), under: "after")
        problems += steps.problems
        var lint = DrillLint(drill: drill, tree: tree, steps: steps, unread: unread)
        lint.check()
        problems += lint.errors
        warnings += lint.warnings
        drill.warnings = warnings.map(\.message)
        return drill
    }

    private mutating func readHosts(_ hosts: Raw?) {
        for entry in hosts?.node.entries ?? [] where entry.key != "local" {
            problems.append(
                FormProblem(
                    "not yet: hosts other than 'local'", at: entry.keyPlace, path: "hosts.\(entry.key)",
                    expected: "local"))
        }
    }

    private mutating func readProbes() -> [DrillProbe] {
        let catalog = reader.probes
        let kinds = catalog.descriptions
        let common = Set(ProbeSetting.form.fields.map(\.name))
        return read("probes", kinds, common, "probe") { name, kind, node, fields in
            let (setting, probe) = try both(
                { try ProbeSetting.form.decode(node, besides: fields) },
                { try catalog.probe(kind, node, besides: common) })
            return probe.map { DrillProbe(name: name, kind: kind, probe: $0, setting: setting) }
        }
    }

    private mutating func readWorkloads() -> [DrillWorkload] {
        let catalog = reader.workloads
        let kinds = catalog.descriptions
        let common = Set(WorkloadSetting.form.fields.map(\.name))
        let tree = tree
        return read("workloads", kinds, common, "workload") { name, kind, node, fields in
            let (setting, workload) = try both(
                { try WorkloadSetting.form.decode(node, besides: fields) },
                { try catalog.workload(kind, node, besides: common) })
            if let problem = catalog.problem(of: setting, kind, node) { throw problem }
            if let workload {
                try checkReplicas(setting.readback, of: workload, kind, tree["workloads"]?[name]?["readback"])
            }
            return workload.map { DrillWorkload(name: name, kind: kind, workload: $0, setting: setting) }
        }
    }

    private mutating func readDatasets() -> [DrillDataset] {
        let catalog = reader.datasets
        let common = Set(DatasetSetting.form.fields.map(\.name))
        return read("datasets", catalog.descriptions, common, "dataset") { name, kind, node, fields in
            let (setting, dataset) = try both(
                { try DatasetSetting.form.decode(node, besides: fields) },
                { try catalog.dataset(kind, node, besides: common) })
            return dataset.map { DrillDataset(name: name, kind: kind, dataset: $0, setting: setting) }
        }
    }

    /// Reads a mapping of names to things of several kinds, where the kind is the key named like it.
    private mutating func read<T>(
        _ section: String, _ kinds: [FormDescription], _ common: Set<String>, _ noun: String,
        _ make: (String, String, FormNode, Set<String>) throws -> T?
    ) -> [T] {
        guard let node = tree[section] else { return [] }
        guard let entries = node.entries else {
            if case .nothing = node.content { return [] }
            problems.append(
                FormProblem(
                    "found \(node.inWords)", at: node.place, path: section,
                    expected: "a mapping of names to \(section)"))
            return []
        }
        var result: [T] = []
        for entry in entries {
            if let problem = nameProblem(entry.key, entry.keyPlace) { problems.append(problem) }
            let path = "\(section).\(entry.key)"
            let keys = entry.value.entries ?? []
            let names = kinds.map(\.name)
            let found = keys.filter { names.contains($0.key) }
            guard found.count == 1, let kind = kinds.first(where: { $0.name == found[0].key }) else {
                let stranger = keys.first { key in !names.contains(key.key) && !common.contains(key.key) }
                problems.append(
                    FormProblem(
                        found.isEmpty
                            ? "no known kind of \(noun) in '\(entry.key)'"
                            : "'\(entry.key)' is several kinds of \(noun) at once",
                        at: found.isEmpty ? stranger?.keyPlace ?? entry.keyPlace : found[1].keyPlace,
                        path: path, expected: "one of " + names.sorted().joined(separator: ", "),
                        nearest: stranger.flatMap { nearestWord(to: $0.key, among: names) }))
                continue
            }
            let fields = Set(kind.fields.map(\.name))
            let item = gathering(&problems, under: path, entry.value) {
                try make(entry.key, kind.name, entry.value, fields)
            }
            if let item, let item { result.append(item) }
        }
        return result
    }
}

/// - Throws: `FormProblems` where a replica is none that this kind of workload can read from.
private func checkReplicas(
    _ urls: [String], of workload: any Workload, _ kind: String, _ node: FormNode?
) throws {
    var problems: [FormProblem] = []
    for (index, url) in urls.enumerated() where workload.reading(from: url) == nil {
        problems.append(
            FormProblem(
                "a workload of the kind \(kind) cannot read from '\(url)'",
                at: node?.list.flatMap { $0.indices.contains(index) ? $0[index].place : nil } ?? node?.place,
                path: "readback", expected: "a URL as the workload's own, of a replica"))
    }
    if !problems.isEmpty { throw FormProblems(problems) }
}

/// Two forms read one mapping: the problems of both are found.
private func both<A, B>(_ one: () throws -> A, _ other: () throws -> B) throws -> (A, B) {
    do {
        let first = try one()
        return (first, try other())
    } catch let problems as FormProblems {
        do {
            _ = try other()
        } catch let more as FormProblems {
            throw FormProblems(problems.problems + more.problems.filter { !problems.problems.contains($0) })
        }
        throw problems
    }
}
