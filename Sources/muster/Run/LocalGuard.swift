import Foundation
import MusterCore
import MusterDrills
import MusterGuard
import MusterSystem

/// Starts the guard of this host and speaks to it over its standard streams.
struct LocalGuard {
    var client: GuardClient
    private var child: Child
    private var errors: ErrorDrain

    /// - Parameters:
    ///   - directory: where fixtures start; relative paths in a drill are relative to the project.
    ///   - protected: paths whose file systems no fault may fill.
    /// - Throws: `Refusal` with code 7 when another drill holds the host or the guard cannot serve.
    static func start(
        state: StateOptions, lease: Duration, run: String, directory: String, protected: [String],
        isAlive: @escaping @Sendable () -> Bool, onEvent: @escaping @Sendable (GuardEvent) -> Void,
        onLoss: @escaping @Sendable (GuardFailure) -> Void
    ) throws -> LocalGuard {
        let executable = try Companion.guardian.path()
        let nonce = ULID.make()
        var arguments = [
            executable, "guard", "--nonce", nonce, "--lease", lease.unitsText, "--run", run, "--engine",
            "\(getpid())",
        ]
        arguments += state.arguments
        let toGuard = try Descriptor.pipe()
        let fromGuard = try Descriptor.pipe()
        let errors = try Descriptor.pipe()
        var spawn = Spawn(arguments)
        spawn.input = .descriptor(toGuard.read.number)
        spawn.output = .descriptor(fromGuard.write.number)
        spawn.errors = .descriptor(errors.write.number)
        spawn.newSession = true
        var environment = ProcessInfo.processInfo.environment
        environment["MUSTER_PROTECT"] = protected.joined(separator: ":")
        spawn.environment = environment.map { "\($0.key)=\($0.value)" }
        spawn.directory = directory
        let child = try spawn.start()
        let drain = ErrorDrain(errors.read)
        let tell: @Sendable (GuardFailure) -> Void = { failure in
            var failure = failure
            failure.message += ending(of: child, said: drain)
            onLoss(failure)
        }
        do {
            let client = try GuardClient(
                reading: fromGuard.read.number, writing: toGuard.write.number, nonce: nonce, isAlive: isAlive,
                onEvent: onEvent, onLoss: tell)
            return LocalGuard(client: client, child: child, errors: drain)
        } catch let failure as GuardFailure {
            // It also writes its refusal for people, and once is enough.
            let lines = drain.text.split(separator: "\n").filter { !$0.contains(failure.message) }
            let said = lines.isEmpty ? "" : "\n  the guard said: \(lines.joined(separator: "\n"))"
            throw MusterCommand.refusal(failure, adding: said)
        }
    }

    /// How a lost guard ended and what it said last: without that nobody could tell a kill from a crash.
    private static func ending(of child: Child, said drain: ErrorDrain) -> String {
        // Its streams end before its process does; one that hangs must not hold up the abort.
        let status = (try? child.wait(for: .milliseconds(300))).flatMap { $0 }
        let how =
            switch status {
            case .exited(let code): "it exited with status \(code)"
            case .signalled(let number): "it was ended by signal \(number)"
            case nil: "its process \(child.pid) has not ended"
            }
        let lines = drain.text.split(separator: "\n").suffix(3).joined(separator: " / ")
        return "; \(how)" + (lines.isEmpty ? "" : "; it said: \(lines)")
    }

    /// Waits for the guard to end after `bye`.
    func wait(for duration: Duration) { _ = try? child.wait(for: duration) }

    /// The last lines that the guard wrote for people.
    var said: String { errors.text }
}

/// Keeps the guard's standard error from filling its pipe, and its last 8 KiB for error messages.
private final class ErrorDrain: @unchecked Sendable {
    private let lock = NSLock()
    private var kept: [UInt8] = []

    init(_ descriptor: Descriptor) {
        let thread = Thread { [weak self] in
            while case .bytes(let bytes)? = try? descriptor.read(upTo: 4096) { self?.keep(bytes) }
        }
        thread.name = "guard-errors"
        thread.start()
    }

    private func keep(_ bytes: [UInt8]) {
        lock.lock()
        kept = Array((kept + bytes).suffix(8192))
        lock.unlock()
    }

    var text: String {
        lock.lock()
        defer { lock.unlock() }
        return String(decoding: kept, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

extension ULID {
    /// A new one, of now.
    static func make() -> String {
        var random = SystemRandomNumberGenerator()
        return make(utcMilliseconds: SystemTimekeeper().utcNanoseconds() / 1_000_000, random: &random)
    }
}

extension MusterCommand {
    /// What a guard's no means for the command line.
    static func refusal(_ failure: GuardFailure, adding text: String = "") -> Refusal {
        let code: Status =
            switch failure.code {
            case .locked, .refused, .surroundings, .journal: .refused
            case .invalid, .unsupported: .usage
            default: .internalError
            }
        return Refusal(code, failure.message + text, advice: failure.advice)
    }
}
