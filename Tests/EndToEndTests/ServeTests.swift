import Foundation
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// `muster serve`: a daemon that runs what is due once, notices edits, and leaves nothing broken when it goes.
    @Suite struct Serving {
        static func lab(_ schedule: String = "every: 10s", drill: String = ShortDrill.kill) throws -> Lab {
            let lab = try Lab()
            try lab.write(drill, to: "drills/short.yaml")
            try lab.write(file(schedule), to: "drills/schedules.yaml")
            return lab
        }

        static func file(_ schedule: String) -> String {
            "format: 1\ntimezone: UTC\nschedules:\n  often: { drill: drills/short.yaml, \(schedule) }\n"
        }

        static func history(_ lab: Lab, _ more: String...) throws -> [Value] {
            let answer = try lab.start(["schedule", "history", "--limit", "1000", "--json"] + more).end()
            return try answer.json().asList ?? []
        }

        static func log(_ daemon: Running) -> String { (try? daemon.lab.read(daemon.errors)) ?? "" }

        static func serve(_ lab: Lab, _ more: String..., environment: [String: String] = [:]) throws
            -> Running
        {
            let daemon = try lab.start(["serve"] + more, environment: environment)
            try #require(lab.eventually { log(daemon).contains("goes by") } != nil, "\(log(daemon))")
            return daemon
        }

        /// The occurrence that each outcome was run for.
        static func occurrences(_ lab: Lab) throws -> [String] {
            try (lab.json("outcomes", "--limit", "1000").asList ?? []).compactMap { $0["number"]?.asInt }
                .flatMap {
                    number in
                    try (lab.json("show", "\(number)")["events"]?.asList ?? []).compactMap {
                        $0.at("detail", "occurrence")?.asText
                    }
                }
        }

        @Test func aStoppedDaemonAbortsAndPutsBack() throws {
            let lab = try Self.lab(drill: ShortDrill.pause(for: "60s"))
            let daemon = try Self.serve(lab)
            let struck = lab.eventually { daemon.said.contains("process-pause hit 'kv'") }
            try #require(struck != nil, "\(Self.log(daemon)) \(daemon.said)")
            let service = try lab.service()
            #expect(lab.isStopped(service))
            _ = try daemon.child.kill(SIGTERM)
            #expect(lab.eventually { Self.log(daemon).contains("it ends when this is aborted") } != nil)
            _ = try daemon.child.kill(SIGTERM)
            let answer = try daemon.end(within: .seconds(90))
            #expect(answer.code == 0, "\(answer.all)")
            #expect(answer.errors.contains("ended with exit code 4"), "\(answer.errors)")
            #expect(try lab.newestOutcome()["ending"] == "aborted")
            #expect(try lab.newestOutcome()["residue"] == [])
            let runs = try Self.history(lab).filter { $0["fate"] == "RUN" }
            #expect(runs.count == 1 && runs[0]["exitCode"] == 4, "\(runs.map(\.canonicalJSON))")
            #expect(try Self.history(lab, "--daemons").map { $0["kind"]?.asText } == ["stopped", "started"])
            try lab.expectNothingLeft()
        }

        @Test func thatNobodyCanBeToldIsSaidInTheLog() throws {
            let lab = try Self.lab("cron: 0 3 1 1 *")
            try lab.write("format: 1\nchanels: {}\n", to: "drills/notify.yaml")
            let daemon = try Self.serve(lab)
            let said = lab.eventually {
                Self.log(daemon).contains("NOBODY IS TOLD")
                    && Self.log(daemon).contains("did you mean 'channels'")
            }
            #expect(said != nil, "\(Self.log(daemon))")
            try lab.write("format: 1\nchannels: {}\n", to: "drills/notify.yaml")
            _ = try daemon.child.kill(SIGHUP)
            #expect(lab.eventually { Self.log(daemon).contains("people are told again") } != nil)
            _ = try daemon.child.kill(SIGTERM)
            let answer = try daemon.end(within: .seconds(60))
            #expect(
                answer.code == 0 && answer.errors.ranges(of: "NOBODY IS TOLD").count == 1, "\(answer.all)")
        }

        @Test func whatMayFinishDoes() throws {
            let lab = try Self.lab()
            try lab.write("onStop: abort\n" + Self.file("every: 10s"), to: "drills/schedules.yaml")
            // What the command line says holds.
            let daemon = try Self.serve(lab, "--on-stop", "finish")
            try #require(
                lab.eventually { daemon.said.contains("process-kill") } != nil, "\(Self.log(daemon))")
            _ = try daemon.child.kill(SIGTERM)
            let answer = try daemon.end(within: .seconds(90))
            #expect(
                answer.code == 0 && answer.errors.contains("it ends when this has: often"), "\(answer.all)")
            #expect(try lab.newestOutcome()["ending"] == "completed")
            // Nothing more was begun.
            #expect(try Self.history(lab).filter { $0["fate"] == "RUN" }.count == 1)
            try lab.expectNothingLeft()
        }

        @Test func editsAreNoticedAndBrokenOnesAreNot() throws {
            let lab = try Self.lab("cron: 0 3 1 1 *")
            let daemon = try Self.serve(lab)
            try lab.write("format: 1\ntimezone: CET\nschedules: {}\n", to: "drills/schedules.yaml")
            #expect(lab.eventually { Self.log(daemon).contains("CANNOT USE drills/schedules.yaml") } != nil)
            #expect(Self.log(daemon).contains("CET"))
            #expect(try Self.history(lab, "--daemons").first?["kind"] == "broken")
            // A drill that is named counts as well, and so does asking.
            try lab.write(Self.file("cron: 0 4 1 1 *"), to: "drills/schedules.yaml")
            #expect(lab.eventually { Self.log(daemon).contains("goes by the new") } != nil)
            try lab.write("format: 1\n", to: "drills/short.yaml")
            #expect(lab.eventually { Self.log(daemon).contains("drills/short.yaml cannot be run") } != nil)
            try lab.write(ShortDrill.kill, to: "drills/short.yaml")
            #expect(
                lab.eventually { Self.log(daemon).components(separatedBy: "goes by the new").count == 3 }
                    != nil)
            _ = try daemon.child.kill(SIGHUP)
            #expect(
                lab.eventually { Self.log(daemon).components(separatedBy: "goes by the new").count == 4 }
                    != nil)
            _ = try daemon.child.kill(SIGINT)
            #expect(try daemon.end().code == 0)
        }

        @Test func withoutSchedulesItDoesNotStart() throws {
            let lab = try Self.lab()
            try lab.write("format: 1\n", to: "drills/schedules.yaml")
            let answer = try lab.muster("serve")
            #expect(answer.code == 2 && answer.errors.contains("cannot be used"), "\(answer.all)")
            try lab.write(Self.file("every: 10s"), to: "drills/schedules.yaml")
            let policy = try lab.muster("serve", "--on-stop", "now")
            #expect(policy.code == 2 && policy.errors.contains("abort or finish"), "\(policy.all)")
        }

        /// sd_notify(3), by an abstract socket, as systemd has them for containers, and by a path.
        @Test(arguments: [true, false]) func theServiceManagerIsTold(isAbstract: Bool) throws {
            let lab = try Self.lab("cron: 0 3 1 1 *")
            let name = isAbstract ? "@muster-test-\(UUID().uuidString)" : "\(lab.directory)/notify"
            let manager = try DatagramInbox(name)
            let daemon = try Self.serve(
                lab, environment: ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000"])
            var heard = ""
            func hears(_ text: String) -> Bool {
                lab.eventually(within: .seconds(30)) {
                    heard += manager.take()
                    return heard.contains(text)
                } != nil
            }
            #expect(hears("READY=1\nSTATUS="), "\(heard.suffix(500))")
            #expect(hears("WATCHDOG=1\nSTATUS=nothing runs; next look 20"), "\(heard.suffix(500))")
            try lab.write("format: 1\n", to: "drills/schedules.yaml")
            #expect(hears("CANNOT BE USED"), "\(heard.suffix(500))")
            heard = ""
            _ = try daemon.child.kill(SIGHUP)
            #expect(hears("RELOADING=1\nMONOTONIC_USEC="), "\(heard.suffix(500))")
            #expect(hears("READY=1"), "\(heard.suffix(500))")
            _ = try daemon.child.kill(SIGTERM)
            #expect(hears("STOPPING=1"), "\(heard.suffix(500))")
            #expect(try daemon.end().code == 0)
        }

        @Test func theUnitIsOneThatSystemdTakes() throws {
            let lab = try Self.lab()
            let unit = try lab.muster("serve", "--print-unit")
            #expect(unit.code == 0 && unit.output.contains("Type=notify\n"), "\(unit.all)")
            #expect(unit.output.contains("WorkingDirectory=\(lab.project)\n"), "\(unit.output)")
            try lab.write(unit.output, to: "muster-serve.service")
            guard FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze") else { return }
            let verdict = try lab.start(
                program: "/usr/bin/systemd-analyze",
                ["verify", "--man=no", "--recursive-errors=no", "\(lab.project)/muster-serve.service"]
            ).end()
            // What it says about units of this machine is none of ours.
            let ours = (verdict.output + verdict.errors).split(separator: "\n").filter {
                $0.contains("muster-serve")
            }
            #expect(ours.isEmpty, "\(verdict.all)")
        }
    }
}

/// A datagram socket of a service manager.
final class DatagramInbox {
    private let socket: Descriptor
    private let path: String?

    /// - Parameter name: a path, or an abstract name behind an @.
    init(_ name: String) throws {
        let flags = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        socket = Descriptor(adopting: Foundation.socket(AF_UNIX, flags, 0))
        path = name.hasPrefix("@") ? nil : name
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = name.hasPrefix("@") ? [0] + Array(name.utf8.dropFirst()) : Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let number = socket.number
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, length) }
        }
        try #require(bound == 0, "\(name): \(String(cString: strerror(errno)))")
    }

    deinit { if let path { unlink(path) } }

    /// What has come, one message a paragraph.
    func take() -> String {
        var text = ""
        while case .bytes(let bytes)? = try? socket.read(upTo: 4096) {
            text += String(decoding: bytes, as: UTF8.self) + "\n\n"
        }
        return text
    }
}
