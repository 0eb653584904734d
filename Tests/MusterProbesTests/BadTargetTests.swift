import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Synchronization
import Testing

@testable import MusterProbes

/// Whatever a target does, its probe says what, keeps little of it, and holds up no other probe of the loop.
@Suite(.serialized) struct BadTargetTests {
    private func residentBytes() throws -> Int {
        let text = try readSmallFile("/proc/self/statm") ?? ""
        return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4096
    }

    /// A healthy probe keeps its schedule beside a bad one about as well as one whose engine has no other; the
    /// machine may be busy, so the two are compared with each other rather than with a clock.
    @Test(arguments: BadTarget.all) func isTypedAndHoldsUpNobody(_ target: BadTarget) throws {
        let folders = (try TemporaryFolder(), try TemporaryFolder())
        let server = try TestServer { _ in .status(200, "") }
        defer { server.stop() }
        let (bad, stop) = try target.make()
        defer { stop() }
        func healthy() -> DrillProbe {
            drillProbe(httpProbe(server.url), every: .milliseconds(20), timeout: .seconds(60))
        }
        let before = try residentBytes()
        let alone = try MeasuringEngine([healthy()], in: folders.0)
        let together = try MeasuringEngine(
            [drillProbe(bad, every: .milliseconds(60), timeout: .milliseconds(400)), healthy()], in: folders.1
        )
        try alone.start()
        try together.start()
        var peak = before
        let sawEnough = try eventually {
            peak = max(peak, try residentBytes())
            let signals = together.snapshot().signals
            return signals[0].sent >= 12 && signals[1].ok >= 40 && alone.snapshot().signals[0].ok >= 40
        }
        together.stop()
        alone.stop()
        #expect(sawEnough, "\(together.snapshot().signals.map { ($0.sent, $0.ok, $0.failed, $0.unknown) })")

        func share(_ samples: SampleSeries) -> Double {
            Double(samples.filter { $0.outcome != .unknown }.count) / Double(samples.count)
        }
        let control = share(alone.signals()[0].samples)
        // Where the instrument cannot look at everything in time, the target, which shares its process, cannot answer
        // everything in time either.
        let isBusy = control < 0.95
        for sample in together.signals()[0].samples where sample.outcome != .unknown {
            let code = sample.outcome == .timeout ? 0 : sample.code
            if isBusy, sample.outcome == .timeout { continue }
            #expect(
                target.codes.contains(code) && (sample.isDown || target.codes.contains(200)),
                "\(sample.outcome): \(SampleCode.inWords(sample.code)) (\(sample.code))")
            if sample.outcome == .error { #expect(!SampleCode.inWords(sample.code).hasPrefix("code ")) }
        }

        let samples = together.signals()[1].samples
        #expect(samples.allSatisfy { !$0.isDown })
        // Those that were under way at the end have no sample.
        let dues = samples.map(\.due).sorted()
        let due = Int((try #require(dues.last) - dues[0]).nanoseconds / 20_000_000) + 1
        #expect(Set(dues).count == dues.count && dues.count * 10 >= due * 8, "\(dues.count) of \(due)")
        #expect(
            share(samples) >= control / (isBusy ? 4 : 2),
            "\(share(samples)) of all due samples, alone \(control)")
        #expect(peak - before < 256 << 20, "grew by \((peak - before) >> 20) MiB")
    }

    /// A probe of which none ever ends takes at most half of the places that others leave.
    @Test func aProbeThatNeverEndsLeavesPlacesToOthers() throws {
        final class Endless: Prober {
            var looks = 0
            func look(_ patience: Patience, done: @escaping (Finding) -> Void) { looks += 1 }
        }
        final class Quick: Prober {
            func look(_ patience: Patience, done: @escaping (Finding) -> Void) { done(.ok) }
        }
        let loop = try EventLoop(inFlightLimit: 12)
        let setting = ProbeSetting(every: .milliseconds(1), timeout: .seconds(600))
        let names = ["a", "b", "quick"]
        let recorder = try Recorder(
            signals: names.map { SignalStatus(name: $0, writer: nil, every: .milliseconds(1)) },
            capacity: 100_000,
            sink: { _, _ in })
        let endless = [Endless(), Endless()]
        let schedules = (endless + [Quick()] as [any Prober]).enumerated().map { index, prober in
            ProbeSchedule(loop: loop, prober: prober, setting: setting, signal: index, recorder: recorder)
        }
        let start = monotonicNow()
        for schedule in schedules { schedule.begin(at: start) }
        loop.run { recorder.snapshot().0[2].sent >= 200 && recorder.snapshot().0[1].unknown >= 100 }
        for schedule in schedules { schedule.stop() }
        loop.clear()
        recorder.stop()
        #expect(endless.map(\.looks).reduce(0, +) <= 11 && endless.allSatisfy { $0.looks >= 3 })
        let samples = recorder.signals()[2].samples
        #expect(samples.allSatisfy { $0.code != SampleCode.tooManyInFlight })
    }

    @Test func aStaleErrnoIsNotTakenForTheNextFailures() throws {
        let loop = try EventLoop()
        let channel = try HTTPChannel(loop: loop)
        let server = try RawServer { connection in
            connection.receive()
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n\r\n")
        }
        defer { server.stop() }
        var codes: [Int32] = []
        for url in ["http://127.0.0.1:\(try closedPort())/", "http://127.0.0.1:\(server.port)/"] {
            var answer: HTTPAnswer?
            channel.send(HTTPRequest(url: url), timeout: .seconds(60)) { answer = $0 }
            loop.run { answer != nil }
            codes.append(answer?.code ?? 0)
        }
        #expect(codes == [ECONNREFUSED, 1056])
    }

    @Test func aFileSystemThatHangsTimesOut() throws {
        // A FIFO without a writer blocks whoever opens it as a program would; here it must not.
        let folder = try TemporaryFolder()
        var probe = FileProbe()
        probe.file = folder.path + "/fifo"
        #expect(mkfifo(probe.file, 0o600) == 0)
        #expect(try attempt(probe, timeout: .seconds(60)).outcome == .ok)
    }

    @Test func everyCodeHasWords() {
        for code in Array(2001...2027) + Array(2100...2115) + [3001, 3004, 4007, 1028, 503, ECONNREFUSED]
            as [Int32]
        {
            #expect(!SampleCode.inWords(code).hasPrefix("code "), "\(code)")
        }
        #expect(SampleCode.inWords(SampleCode.certificateDays + 12) == "12 days of certificate left")
        #expect(SampleCode.inWords(SampleCode.nameServer + 3) == "name server: no such name")
    }
}
