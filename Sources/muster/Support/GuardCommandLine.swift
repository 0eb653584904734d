import Foundation
import MusterCore
import MusterDrills
import MusterGuard
import MusterSystem

/// `muster-guard` as a command of its own: undo, list, check, doctor.
enum GuardCommandLine {
    struct Answer {
        var status: Int32
        var output: String
    }

    /// Runs it to its end.
    /// - Parameter shows: whether what it writes goes to our own streams.
    static func run(_ arguments: [String], shows: Bool, within limit: Duration = .seconds(120)) throws
        -> Answer
    {
        let path = try Companion.guardian.path()
        var spawn = Spawn([path] + arguments)
        var pipe: (read: Descriptor, write: Descriptor)?
        if shows {
            spawn.output = .inherit
            spawn.errors = .inherit
        } else {
            let made = try Descriptor.pipe()
            spawn.output = .descriptor(made.write.number)
            pipe = made
        }
        let child = try spawn.start()
        let end = SystemTimekeeper().monotonic() + limit
        var output: [UInt8] = []
        if let reader = pipe?.read {
            pipe = nil
            while try !waitFor([Interest(reader.number, .readable)], until: end)[0].isEmpty,
                case .bytes(let bytes) = try reader.read(upTo: 1 << 16)
            {
                output += bytes
            }
        }
        guard let status = try child.wait(until: end) else {
            try child.kill()
            _ = try child.wait(for: .seconds(2))
            throw Refusal(
                .internalError, "muster-guard \(arguments[0]) did not end", advice: "run `muster doctor`")
        }
        let code: Int32 =
            switch status {
            case .exited(let code): code
            default: Status.internalError.rawValue
            }
        return Answer(status: code, output: String(decoding: output, as: UTF8.self))
    }

    /// Ids of what a journal holds open; nil when it cannot be read.
    static func openInjections(_ state: StateOptions) -> [String]? {
        guard
            let answer = try? run(["list", "--json"] + state.arguments, shows: false, within: .seconds(20)),
            answer.status == 0,
            let value = try? JSONDecoder().decode(Value.self, from: Data(answer.output.utf8))
        else { return nil }
        let ids = value.asList?.map { $0["id"]?.asText }
        // A row that cannot be read must not count as closed.
        return ids.flatMap { $0.contains(nil) ? nil : $0.compactMap { $0 } }
    }

    enum Standing {
        case clean
        case open([String])
    }

    /// After a guard was lost: waits until its warden has closed everything that stood in the journal.
    static func waitUntilMended(state: StateOptions, within limit: Duration) -> Standing {
        let clock = SystemTimekeeper()
        let end = clock.monotonic() + limit
        var lines = ["the journal could not be read; run `muster undo`"]
        while clock.monotonic() < end {
            // While anybody holds the lock the mending goes on.
            guard LockHolder.read() == nil else {
                clock.sleep(for: .milliseconds(50))
                continue
            }
            if let answer = try? run(
                ["list", "--json"] + state.arguments, shows: false, within: .seconds(20)),
                answer.status == 0,
                let value = try? JSONDecoder().decode(Value.self, from: Data(answer.output.utf8))
            {
                guard let open = value.asList else { break }
                if open.isEmpty { return .clean }
                lines = open.map { item in
                    "'\(item["name"]?.asText ?? "?")' (\(item["fault"]?.asText ?? "?")) is still open; run `muster undo`"
                }
            }
            clock.sleep(for: .milliseconds(100))
        }
        return .open(lines)
    }
}
