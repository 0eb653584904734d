public import MusterCore

/// Anything else: commands of the drill's author, as argument lists and never through a shell.
public struct CommandFault: Fault {
    public var inject: [String] = []
    public var check: [String] = []
    public var restore: [String] = []
    public var proof: [String] = []
    public var lasting = true
    public var within = Duration.seconds(10)

    public init() {}

    public static var form: Form<Self> {
        Form(
            "command", "Runs your own command to break something, and another one to put it right.",
            example: "inject: command\ninto: host\nrecovery: after\n"
                + "with:\n  inject: [ip, link, set, eth1, down]\n"
                + "  check: [/usr/local/bin/eth1-is-up]\n  restore: [ip, link, set, eth1, up]", blank: Self(),
            fields: [
                Field(
                    required: "inject", \.inject, "Breaks it; a list of arguments, no shell.", in: nonempty),
                Field(
                    required: "check", \.check,
                    "Changes nothing, and exits with 0 exactly when all is well; run before and after.",
                    in: nonempty),
                Field(
                    "restore", \.restore, default: [],
                    "Makes the check succeed again; may be run twice. Without it the fault is NOT UNDOABLE."),
                Field(
                    "proof", \.proof, default: [],
                    "Changes nothing, and exits with 0 once the fault has taken effect; the failing check when left out."
                ),
                Field(
                    "lasting", \.lasting, default: true,
                    "Whether it lasts until it is lifted; false when it is over at once."),
                Field("within", \.within, default: .seconds(10), "How long each command may take.") {
                    (.milliseconds(10)...(.seconds(600))) ~= $0 ? nil : "from 10ms to 10m"
                },
            ])
    }

    @Sendable private static func nonempty(_ arguments: [String]) -> String? {
        arguments.first?.isEmpty == false ? nil : "a program and its arguments"
    }

    public static let targets = Set(Target.Kind.allCases)
    public var persistence: Persistence { lasting ? .held : .instant }

    public static func readiness(on host: any HostReader) -> Readiness {
        .ready("your commands, run without a shell")
    }

    public func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        for command in [inject, check, restore, proof] where !command.isEmpty {
            try Refusals.secrets(in: command)
            guard command[0].hasPrefix("/") || host.tool(command[0]) != nil else {
                throw FaultRefusal(
                    .noMechanism, "the program '\(command[0])' is not on this host",
                    advice: "install it, or give its absolute path")
            }
        }
        let fact = CommandSucceeds(id: id, check: check, restoring: restore, within: within)
        return UndoPlan(
            facts: [fact], claims: [Claim("command", inject.joined(separator: " "))],
            touches: ["runs `\(inject.joined(separator: " "))`"],
            irreversible: restore.isEmpty ? "the command names no `restore`" : nil)
    }

    public func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {
        let result = try host.run(inject, as: id, deadline: within)
        guard result.succeeded else {
            throw HostError(
                .failed, "the inject command `\(inject.joined(separator: " "))`",
                "\(result.endingInWords): \(result.errors.prefix(300))")
        }
    }

    public func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        if proof.isEmpty {
            let result = try host.query(check, deadline: within)
            return result.succeeded
                ? .notYet("the check still succeeds") : .proven("the check ends with \(result.endingInWords)")
        }
        let result = try host.query(proof, deadline: within)
        return result.succeeded
            ? .proven("the proof succeeded") : .notYet("the proof ended with \(result.endingInWords)")
    }
}
