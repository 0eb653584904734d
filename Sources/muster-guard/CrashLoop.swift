import FoundationEssentials
import Glibc
import MusterCore
import MusterFaults
import MusterHost
import MusterSystem

/// `muster-guard crash-loop`: strikes again and again whoever matches, until it is ended itself.
struct CrashLoop {
    private let every: Duration
    private let id: InjectionID
    private let target: Target
    private let fault: ProcessKill
    private let state: String

    init(_ words: [String]) throws {
        let arguments = try Arguments(words, valued: ["every", "signal", "id", "state"], rest: true)
        guard let every = try arguments.duration("every"), let id = try arguments.injection("id"),
            let signal = SignalName(rawValue: try arguments.required("signal"))
        else { throw UsageError("--every, --signal and --id are needed") }
        guard arguments.rest.count == 1,
            let value = try? JSONDecoder().decode(Value.self, from: Data(arguments.rest[0].utf8)),
            let target = Target(value)
        else { throw UsageError("a target as JSON is missing behind --") }
        self.every = every
        self.id = id
        self.target = target
        var fault = ProcessKill()
        fault.signal = signal
        self.fault = fault
        state = arguments.text("state") ?? "/"
    }

    func run() throws -> Int32 {
        try Signals.ignore(SIGPIPE, SIGHUP, SIGINT)
        let clock = SystemTimekeeper()
        let executable = realpath("/proc/self/exe", nil).map { path in
            defer { free(path) }
            return String(cString: path)
        }
        let site = GuardSite(executable: executable ?? "", stateDirectory: state)
        let host = LinuxHost(site: site, journal: nil)
        var next = clock.monotonic() + every
        while true {
            clock.sleep(until: next)
            next = max(next + every, clock.monotonic())
            // Nobody there at the moment, or too few: they are being restarted. The next round strikes again.
            let nothing = UndoPlan(facts: [], touches: [])
            try? fault.inject(into: target, as: id, plan: nothing, on: host)
        }
    }
}
