import FoundationEssentials
import Glibc
public import MusterCore
import MusterSystem

extension LinuxHost {
    public func supervisor(of id: InjectionID) throws -> SupervisorStatus? {
        do {
            return try ask(supervisorOf: id, .status)
        } catch let error as HostError where error.code == .notFound {
            return nil
        }
    }

    public func ask(supervisorOf id: InjectionID, _ request: SupervisorRequest) throws -> SupervisorStatus {
        let operation = "ask the supervisor of \(id) to \(request.rawValue)"
        let deadline = SystemTimekeeper().monotonic() + .seconds(10)
        let line = try port { () throws(SystemError) -> [UInt8] in
            let socket: Descriptor
            do throws(SystemError) {
                socket = try UnixSocket.connect(to: site.supervisorSocket(of: id))
            } catch {
                // A socket without a listener is what a dead supervisor leaves.
                throw SystemError(operation, code: error.code == ECONNREFUSED ? ENOENT : error.code)
            }
            do throws(SystemError) {
                return try Self.exchange(request.rawValue + "\n", with: socket, until: deadline)
            } catch {
                throw SystemError(operation, code: error.code)
            }
        }
        return try Self.status(in: line, operation)
    }

    /// Sends a line and reads one.
    /// - Throws: ETIMEDOUT when none comes in time, ENOENT when the other end goes away instead.
    private static func exchange(
        _ text: String, with socket: Descriptor, until deadline: Instant
    ) throws(SystemError) -> [UInt8] {
        try socket.send(Array(text.utf8))
        var line: [UInt8] = []
        while line.last != UInt8(ascii: "\n"), line.count < 65536 {
            guard try waitFor([Interest(socket.number, .readable)], until: deadline) != [[]] else {
                throw SystemError("", code: ETIMEDOUT)
            }
            guard case .bytes(let bytes) = try socket.read(upTo: 4096) else {
                if line.isEmpty { throw SystemError("", code: ENOENT) }
                break
            }
            line += bytes
        }
        return line
    }

    static func status(in line: [UInt8], _ operation: String) throws -> SupervisorStatus {
        guard let answer = try? JSONDecoder().decode(Value.self, from: Data(line)) else {
            let text = String(decoding: line.prefix(200), as: UTF8.self)
            throw HostError(.failed, operation, "it answered '\(text)' instead of a line of JSON")
        }
        if let problem = answer["error"]?.asText { throw HostError(.failed, operation, problem) }
        guard let starts = answer["starts"]?.asInt else {
            throw HostError(.failed, operation, "its answer has no 'starts': \(answer.canonicalJSON)")
        }
        var process: ProcessIdentity?
        if let pid = answer["pid"]?.asInt, let ticks = answer["startTicks"]?.asInt,
            let boot = answer["bootID"]?.asText
        {
            process = ProcessIdentity(pid: Int32(pid), startTicks: UInt64(ticks), bootID: boot)
        }
        return SupervisorStatus(process: process, starts: Int(starts))
    }
}
