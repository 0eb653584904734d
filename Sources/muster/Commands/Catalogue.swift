import ArgumentParser
import MusterCore
import MusterDrills
import MusterFaults
import MusterProbes

struct FaultsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract: "The faults that can be injected, with their parameters.",
        discussion: "Example: muster faults process-kill")

    @Argument(help: "Only these faults.") var names: [String] = []
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let catalog = FaultCatalog.standard
            return try Catalogue.show(
                catalog.types.map { catalog.description(of: $0) }, only: names, what: "fault",
                json: output.json)
        }
    }
}

struct ProbesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probes",
        abstract: "The probes, workloads and datasets by which a system is watched, with their parameters.",
        discussion: "Example: muster probes http")

    @Argument(help: "Only these.") var names: [String] = []
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let common = [
                ProbeSetting.form.description, WorkloadSetting.form.description,
                DatasetSetting.form.description,
            ]
            var forms = ProbeCatalog.standard.descriptions
            forms += WorkloadCatalog.standard.descriptions.map { form in
                var form = form
                form.summary = "(workload) " + form.summary
                return form
            }
            forms += DatasetCatalog.standard.descriptions.map { form in
                var form = form
                form.summary = "(dataset) " + form.summary
                return form
            }
            return try Catalogue.show(forms + common, only: names, what: "probe", json: output.json)
        }
    }
}

/// Prints forms.
enum Catalogue {
    static func show(_ all: [FormDescription], only names: [String], what: String, json: Bool) throws
        -> Status
    {
        for name in names where !all.contains(where: { $0.name == name }) {
            let near = nearestWord(to: name, among: all.map(\.name)).map { ", did you mean '\($0)'?" } ?? ""
            throw Refusal(
                .usage, "there is no \(what) '\(name)'\(near)", advice: "run `muster \(what)s` for the list")
        }
        let chosen = names.isEmpty ? all : all.filter { names.contains($0.name) }
        if json {
            Terminal.line(Value.list(chosen.map(value)).prettyJSON)
            return .pass
        }
        if names.isEmpty {
            var table = Table(what.uppercased(), "WHAT IT DOES")
            for form in chosen { table.add(form.name, form.summary) }
            Terminal.line(table.text(width: Terminal.width))
            Terminal.line("\nParameters and an example: muster \(what)s NAME")
            return .pass
        }
        for form in chosen { describe(form) }
        return .pass
    }

    private static func describe(_ form: FormDescription) {
        Terminal.line(Terminal.styled(form.name, .bold) + "  " + form.summary)
        for field in form.fields {
            let need = field.isRequired ? " (required)" : field.defaultText.map { " (default \($0))" } ?? ""
            Terminal.line("  \(Terminal.styled(field.name, .cyan))  \(field.sentence)\(need)")
            Terminal.line("      \(field.shape.inWords)")
        }
        if !form.example.isEmpty {
            Terminal.line("\n  Example:")
            for line in form.example.split(separator: "\n", omittingEmptySubsequences: false) {
                Terminal.line("    \(line)")
            }
        }
        Terminal.line()
    }

    private static func value(_ form: FormDescription) -> Value {
        [
            "name": .text(form.name), "summary": .text(form.summary), "example": .text(form.example),
            "fields": .list(
                form.fields.map { field in
                    [
                        "name": .text(field.name), "type": .text(field.shape.inWords),
                        "required": .bool(field.isRequired),
                        "default": field.defaultText.map { .text($0) } ?? .null,
                        "description": .text(field.sentence),
                    ]
                }),
        ]
    }
}
