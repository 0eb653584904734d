import Glibc
public import MusterCore
public import MusterDrills
import MusterSystem

/// Runs a program.
///
/// It starts in a session of its own, without input; its output is thrown away. When it takes too long,
/// everything in that session is killed.
public struct ExecProbe: Probe, Hashable {
    public var exec: [String] = []
    public init() {}

    public static let form = Form(
        "exec", "Runs a program; good is exit status 0.",
        example: "replication: { exec: [/usr/local/bin/check-replication, --max-lag, 1s], every: 1s }",
        blank: ExecProbe(),
        fields: [
            Field(
                required: "exec", \.exec, "The program and its arguments; no shell is involved.",
                in: { $0.first?.isEmpty == false ? nil : "a list of a program and its arguments" })
        ])
}

extension ExecProbe: RunnableProbe {
    func prober(on loop: EventLoop) throws -> any Prober { ExecProber(exec, loop) }
}

private final class ExecProber: Prober {
    private let argv: [String]
    private let loop: EventLoop
    private var running: [Int: SessionProcess] = [:]
    private var last = 0
    /// More programs at once would be a load of the instrument's own making.
    private static let mostRunning = 128

    init(_ argv: [String], _ loop: EventLoop) {
        self.argv = argv
        self.loop = loop
    }

    func look(_ patience: Patience, done: @escaping (Finding) -> Void) {
        guard running.count < Self.mostRunning else { return done(.unknown(SampleCode.tooManyInFlight)) }
        last += 1
        let number = last
        do {
            running[number] = try SessionProcess(argv, loop: loop) { [weak self] code in
                patience.cancel()
                self?.running[number] = nil
                done(code == 0 ? .ok : .error(SampleCode.exitStatus + code))
            }
            patience.begin { [weak self] end in
                self?.running.removeValue(forKey: number)?.killSession()
                done(end.finding)
            }
            patience.advance()
        } catch let error as SystemError {
            done(.error(error.code))
        } catch {
            done(.error(ENOEXEC))
        }
    }

    func close() {
        for process in running.values { process.killSession() }
        running = [:]
    }
}
