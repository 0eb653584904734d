import MusterCore
import MusterDrills
import MusterProbes
import MusterSystem
import Testing

@testable import MusterCalibration

/// The liars with real sockets and the real instrument, judged here and now.
@Suite struct LiarTests {
    private let time = SystemTimekeeper()

    /// What the instrument's bounds of one outage are, and what really happened.
    private func measure(_ mode: DarkMode) throws -> (recovery: Recovery, truth: TrialTruth) {
        let server = try DarkServer(address: "127.0.0.1", lanes: 1)
        defer { server.stop() }
        let address = "127.0.0.1:\(server.ports[0])"
        let setting = ProbeSetting(every: .milliseconds(10), timeout: mode.patience, slow: mode.slow)
        var http = HTTPProbe()
        http.http = "http://\(address)/"
        let probe =
            mode == .port
            ? DrillProbe(name: "p", kind: "tcp", probe: TCPProbe(address), setting: setting)
            : DrillProbe(name: "p", kind: "http", probe: http, setting: setting)
        let engine = try MeasuringEngine(
            probes: [probe], workloads: [], runID: "liar", seed: 1, ledgerDirectory: "/nonexistent")
        try engine.start()
        defer { engine.stop() }
        let deadline = time.monotonic() + .seconds(20)
        while engine.snapshot().signals[0].goodInARow < 5, time.monotonic() < deadline {
            time.sleep(for: .milliseconds(5))
        }
        let darkness = Darkness(mode, from: time.monotonic() + .milliseconds(30), seed: 9)
        server.prepare([darkness])
        let began = try #require(darkness.began)
        time.sleep(until: began + .milliseconds(1234) + .milliseconds(900))
        // A busy machine needs more time to see that it is up.
        while engine.snapshot().signals[0].goodInARow < 30, time.monotonic() < deadline {
            time.sleep(for: .milliseconds(20))
        }
        let rule = RecoveryRule(
            fault: Bracket(began, began), stable: .milliseconds(200), until: time.monotonic())
        let signal = try #require(engine.signals().first)
        let report = server.report()
        return (
            Recovery(of: signal, by: rule),
            TrialTruth(darkness: darkness, log: report.logs[0], stalls: report.stalls)
        )
    }

    private func claim(_ recovery: Recovery) -> TrialClaim {
        TrialClaim(
            status: recovery.status, recovery: recovery.rta, downtime: recovery.downtime,
            blindSpot: .milliseconds(1))
    }

    @Test(arguments: [DarkMode.reset, .hang, .queue, .partial, .port])
    func theInstrumentHoldsTheTruth(_ mode: DarkMode) throws {
        let (recovery, truth) = try measure(mode)
        let finding = truth.check(claim(recovery))
        switch finding {
        case .covered, .disturbed: break
        case .unseen, .missed: Issue.record("\(finding), \(recovery.status)")
        }
    }

    @Test func brokenBoundsAreFoundOut() throws {
        let (recovery, truth) = try measure(.reset)
        guard case .covered(let width?) = truth.check(claim(recovery)) else { return }
        // As wide as they are, they do not hold the truth when they lie beside it.
        for distance in [width + .milliseconds(1), .zero - width - .milliseconds(1)] {
            let finding = truth.check(claim(recovery).shifted(by: distance))
            if case .missed = finding {} else { Issue.record("\(finding) of bounds shifted by \(distance)") }
        }
    }

    @Test func aClosedPortRefusesAndComesBackUnderTheSameNumber() throws {
        let (recovery, truth) = try measure(.port)
        let closed = try #require(truth.log.closed)
        let opened = try #require(truth.log.opened)
        let ended = try #require(truth.darkness.ended)
        #expect(closed.upper < opened.lower && opened.lower >= ended)
        #expect(recovery.outages.count >= 1)
    }

    /// Takes its time for every answer.
    private final class Sluggish: Liar {
        private let time = SystemTimekeeper()

        func reply(to request: LiarRequest) -> LiarReply {
            let end = time.monotonic() + .microseconds(200)
            while time.monotonic() < end {}
            return .answer(200, "up")
        }
    }

    /// Each turn is short; who is answered last has waited for all of them.
    @Test func aServerWithMoreToDoThanOneTurnHoldsKnowsThatItIsLate() throws {
        let server = try LiarServer(address: "127.0.0.1", liars: [Sluggish()])
        defer { server.stop() }
        let deadline = time.monotonic() + .seconds(20)
        let clients = try (0..<200).map { _ in
            try StreamSocket.connect(
                to: .tcp(host: "127.0.0.1", port: Int(server.portNumbers[0])), until: deadline)
        }
        let began = time.monotonic()
        for client in clients { try client.write(Array("GET / HTTP/1.1\r\n\r\n".utf8)) }
        while server.stallsSoFar().allSatisfy({ $0.upper < began || $0.width < .milliseconds(30) }) {
            guard time.monotonic() < deadline else {
                Issue.record("200 answers of 0.2 ms each, and late by \(server.stallsSoFar().map(\.width))")
                break
            }
            time.sleep(for: .milliseconds(5))
        }
    }

    @Test func aRequestIsReadInPieces() {
        var bytes = Array("PUT /kv/a HTTP/1.1\r\nContent-Length: 3\r\n\r\nab".utf8)
        let half = LiarRequest(taking: &bytes)
        #expect(half == nil)
        bytes += Array("cGET / HTTP/1.1\r\n\r\n".utf8)
        let put = LiarRequest(taking: &bytes)
        #expect(put?.method == "PUT" && put?.path == "/kv/a" && put?.body == "abc")
        let get = LiarRequest(taking: &bytes)
        #expect(get?.method == "GET")
        #expect(bytes.isEmpty)
    }
}
