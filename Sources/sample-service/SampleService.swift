import ArgumentParser
import Dispatch
import Foundation

/// A small HTTP key-value service on SQLite: the embedded target of the first drill.
///
/// It is an ordinary service that knows nothing of Muster, so that a drill against it shows what a drill
/// against anybody's service would show.
@main
struct SampleService: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample-service",
        abstract: "A small HTTP key-value service on SQLite, to be broken by drills.",
        discussion: """
            PUT /kv/KEY      stores the body, answers 204 once it is on the disk
            GET /kv/KEY      200 with the value, or 404
            DELETE /kv/KEY   204, or 404
            GET /kv?prefix=P&after=KEY&limit=N   {"keys":[...],"next":KEY or null}
            GET /health      200 {"ok":true,...}

            Example: sample-service --port 8080 --data /tmp/kv
            """
    )

    @Option(help: "Port to listen on; 0 takes a free one, which is printed.")
    var port: UInt16

    @Option(help: ArgumentHelp("Directory of the database; created when missing.", valueName: "dir"))
    var data: String

    @Option(help: "Address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "Acknowledge from memory and store only this often (500ms, 2s). A crash loses the rest.")
    var writeBehind: Interval?

    func run() throws {
        restoreDefaultSignals()
        let store: any KeyValueStore
        do {
            let database = try Database(directory: data)
            if let writeBehind {
                store = WriteBehindStore(database, every: writeBehind.seconds)
            } else {
                store = DurableStore(database)
            }
        } catch {
            complain("cannot open the data directory \(data): \(error)")
            throw ExitCode(1)
        }
        let service = Service(host: host, port: port, store: store)
        let signals = service.stopOnSignals()
        // Detached: a task made here would wait for the main thread, which serves signals below.
        Task.detached {
            do {
                try await service.run()
            } catch {
                complain("\(error)")
                _exit(1)
            }
        }
        withExtendedLifetime(signals) { dispatchMain() }
    }

    /// A parent's blocked or ignored SIGTERM is inherited through exec (signal(7)) and would make the
    /// service impossible to stop gracefully.
    private func restoreDefaultSignals() {
        var none = sigset_t()
        sigemptyset(&none)
        sigprocmask(SIG_SETMASK, &none, nil)
        signal(SIGPIPE, SIG_IGN)
    }
}

/// A length of time as people write it: `250ms`, `2s`.
struct Interval: ExpressibleByArgument {
    let seconds: Double

    init?(argument: String) {
        let scale: Double
        let number: Substring
        if argument.hasSuffix("ms") {
            (scale, number) = (0.001, argument.dropLast(2))
        } else if argument.hasSuffix("s") {
            (scale, number) = (1, argument.dropLast(1))
        } else {
            return nil
        }
        guard let value = Double(number), value.isFinite, value > 0, value * scale <= 3600 else { return nil }
        seconds = value * scale
    }
}

/// Why the service does not start; printed after its name, exit code 1.
struct Refusal: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

func complain(_ message: String) {
    FileHandle.standardError.write(Data("sample-service: \(message)\n".utf8))
}
