import Foundation
import MusterCore
import MusterSystem

/// The near end of an instrument that runs in a process of its own.
final class Instrument {
    let child: Child
    private let input: Descriptor
    private let output: Descriptor
    private var rest: [UInt8] = []

    /// - Parameter prefix: a command that runs another one, such as one that enters a network namespace.
    init(prefix: [String]) throws {
        let orders = try Descriptor.pipe()
        let answers = try Descriptor.pipe()
        let own = try ThisProcess.openExecutable()
        // Our own program, also when a build has put another one in its place.
        var spawn = Spawn(.descriptor(own.number), ["muster", "calibrate-instrument"])
        if !prefix.isEmpty { spawn = Spawn(prefix + [try Self.ownPath(), "calibrate-instrument"]) }
        spawn.input = .descriptor(orders.read.number)
        spawn.output = .descriptor(answers.write.number)
        spawn.errors = .inherit
        // Ctrl-C in the terminal is for us to answer.
        spawn.newSession = true
        spawn.deathSignal = SIGKILL
        child = try spawn.start()
        withExtendedLifetime(own) {}
        input = orders.write
        output = answers.read
    }

    private static func ownPath() throws -> String {
        guard let path = realpath("/proc/self/exe", nil) else {
            throw CalibrationTrouble("the path of our own program cannot be read")
        }
        defer { free(path) }
        return String(cString: path)
    }

    /// Gives an order and waits for its answer.
    /// - Throws: `CalibrationTrouble` when it cannot carry it out, or does not answer within a minute and a half.
    @discardableResult
    func order(_ name: String, _ more: [String: Value] = [:]) throws -> Value {
        var order = more
        order["do"] = .text(name)
        do {
            try input.write(Array((Value.map(order).canonicalJSON + "\n").utf8))
        } catch {
            throw CalibrationTrouble("the instrument's process has ended: \(error)")
        }
        let answer = try JSONDecoder().decode(Value.self, from: Data(try line(for: name)))
        if let trouble = answer["error"]?.asText { throw CalibrationTrouble(trouble) }
        return answer
    }

    private func line(for name: String) throws -> [UInt8] {
        let deadline = SystemTimekeeper().monotonic() + .seconds(90)
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                defer { rest.removeFirst(end + 1) }
                return Array(rest[..<end])
            }
            let ready = try waitFor([Interest(output.number, .readable)], until: deadline)[0]
            guard !ready.isEmpty else {
                throw CalibrationTrouble("the instrument's process does not answer '\(name)'")
            }
            guard case .bytes(let bytes) = try output.read(upTo: 1 << 16) else {
                throw CalibrationTrouble("the instrument's process ended during '\(name)'")
            }
            rest += bytes
        }
    }

    /// Looks again and again, until something is so.
    /// - Throws: `CalibrationTrouble` with these words when it is not so within half a minute.
    static func wait(orElse trouble: String, until isDone: () throws -> Bool) throws {
        let time = SystemTimekeeper()
        let deadline = time.monotonic() + .seconds(30)
        while try !isDone() {
            guard time.monotonic() < deadline else { throw CalibrationTrouble(trouble) }
            time.sleep(for: .milliseconds(10))
        }
    }

    /// Waits for a steady state, as before every fault.
    func waitUntilSteady() throws {
        try Self.wait(orElse: "the liars cannot be reached by the instrument") {
            try order("status").int("good") >= 10
        }
    }

    /// Ends it, stopped or not.
    func end() {
        _ = try? child.kill()
        _ = try? child.wait(for: .seconds(5))
    }
}
