public import MusterCore
public import MusterDrills

/// `muster schema drill`: a JSON Schema (draft 2020-12) from the forms that decode the file, so that editors
/// complete and check what will be accepted, and nothing else.
public enum DrillSchema {
    /// - Returns: the schema as text, keys sorted, indented by two blanks, with a final newline.
    public static func drill(
        faults: FaultCatalog, probes: ProbeCatalog, workloads: WorkloadCatalog,
        datasets: DatasetCatalog = DatasetCatalog()
    ) -> String {
        var root = FormSchema.object(DrillForm.form.description)
        root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        root["title"] = "A Muster drill"
        let step: Value = ["$ref": "#/$defs/step"]
        let steps: Value = ["type": "array", "items": step]
        var properties = root["properties"]?.asMap ?? [:]
        properties["steps"] = described(steps, like: properties["steps"])
        properties["after"] = described(steps, like: properties["after"])
        properties["hosts"] = ["type": "object", "description": "Hosts beside 'local' (not yet)."]
        properties["probes"] = .map(
            named(
                kinds(probes.descriptions, common: ProbeSetting.form.description), like: properties["probes"])
        )
        var workload = named(
            kinds(workloads.descriptions, common: WorkloadSetting.form.description),
            like: properties["workloads"])
        workload["maxProperties"] = 1
        properties["workloads"] = .map(workload)
        properties["datasets"] = .map(
            named(
                kinds(datasets.descriptions, common: DatasetSetting.form.description),
                like: properties["datasets"]))
        root["properties"] = .map(properties)
        root["$defs"] = ["step": self.step(faults)]
        return PrettyJSON.text(.map(root))
    }

    /// The schema of `drills/services.yaml`.
    public static var services: String {
        var root = FormSchema.object(ServicesForm.form.description)
        root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        root["title"] = "Muster's registry of services"
        return PrettyJSON.text(.map(root))
    }

    /// The schema of `drills/schedules.yaml`.
    public static var schedules: String {
        var root = FormSchema.object(SchedulesForm.form.description)
        root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        root["title"] = "When Muster's drills are due"
        return PrettyJSON.text(.map(root))
    }

    /// The schema of a file in `drills/gamedays/`.
    public static var gameDay: String { document(GameDayForm.form.description, "A game day of Muster's") }

    /// The schema of `drills/notify.yaml`.
    public static var notify: String {
        document(NoticesForm.form.description, "Who is told of what Muster's drills do")
    }

    private static func document(_ form: FormDescription, _ title: String) -> String {
        var root = FormSchema.object(form)
        root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        root["title"] = .text(title)
        return PrettyJSON.text(.map(root))
    }

    private static func described(_ value: Value, like other: Value?) -> Value {
        var map = value.asMap ?? [:]
        map["description"] = other?["description"]
        return .map(map)
    }

    private static func named(_ item: Value, like other: Value?) -> [String: Value] {
        var map: [String: Value] = [
            "type": "object", "additionalProperties": item,
            "propertyNames": ["pattern": .text(FormSchema.name)],
        ]
        map["description"] = other?["description"]
        return map
    }

    /// One of several kinds, each with the fields that all have.
    private static func kinds(_ kinds: [FormDescription], common: FormDescription) -> Value {
        [
            "oneOf": .list(
                kinds.map { kind in
                    var whole = kind
                    whole.fields += common.fields
                    return .map(FormSchema.object(whole))
                })
        ]
    }

    private static func step(_ faults: FaultCatalog) -> Value {
        var parallel = FormSchema.object(ParallelForm.form.description)
        parallel["properties"] = .map(
            (parallel["properties"]?.asMap ?? [:]).merging([
                "parallel": ["type": "array", "items": ["$ref": "#/$defs/step"]]
            ]) { $1 })
        let others = [
            WaitForm.form.description, AlertStepForm.form.description, LiftForm.form.description,
            RunbookForm.form.description, RestoreForm.form.description,
        ]
        return [
            "oneOf": .list(
                faults.types.map { inject(faults.description(of: $0)) }
                    + others.map { .map(FormSchema.object($0)) } + [.map(parallel)])
        ]
    }

    private static func inject(_ fault: FormDescription) -> Value {
        var object = FormSchema.object(InjectForm.form.description)
        var properties = object["properties"]?.asMap ?? [:]
        properties["inject"] = ["const": .text(fault.name), "description": .text(fault.summary)]
        var with = FormSchema.object(fault)
        if with["required"] != nil {
            object["required"] = .list((object["required"]?.asList ?? []) + ["with"])
        }
        with["description"] = properties["with"]?["description"]
        properties["with"] = .map(with)
        object["properties"] = .map(properties)
        object["description"] = .text(fault.summary)
        return .map(object)
    }
}
