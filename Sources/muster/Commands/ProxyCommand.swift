import ArgumentParser

struct ProxyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proxy",
        abstract: "A TCP proxy that makes a network bad on purpose, for every client of Toxiproxy.",
        discussion: "Example: muster proxy --config proxies.json        (all options: muster proxy --help)")

    @Argument(parsing: .captureForPassthrough, help: "As for muster-net proxy.") var arguments: [String] = []

    func run() throws {
        try carryOut(printed: false) { try Companion.net.become(["proxy"] + arguments) }
    }
}
