import MusterCore
import MusterFaults
import Testing

/// A look lasts 5 s at most. What delays longer is proven by what it saw until then.
@Suite struct LongDelayTests {
    private static let delayed: [any ToxicFault] = {
        var latency = ProxyLatency()
        latency.latency = .seconds(20)
        var slowClose = ProxySlowClose()
        slowClose.delay = .seconds(3600)
        var connect = ProxyConnect()
        connect.delay = .milliseconds(5600)
        var reset = ProxyReset()
        reset.after = .seconds(10)
        var late = HTTPFault()
        late.delay = .seconds(60)
        var lateErrors = late
        lateErrors.status = 503
        return [latency, slowClose, connect, reset, late, lateErrors]
    }()

    private let proxy = Target(.proxy(.named("redis", api: .tcp(host: "127.0.0.1", port: 8474))))

    @Test(arguments: delayed.indices) func itIsProven(_ index: Int) throws {
        let fault = Self.delayed[index]
        let world = Scenario.original()
        let injector = Injector(host: world, journal: world, facts: .standard)
        let request = Scenario(acts: [Scenario.Act(name: "it", fault: fault, target: proxy)]).request(0)
        let injection = try injector.inject(request) {}
        let effect = { try injector.effect(of: injection, fault, on: proxy) }
        guard case .proven(let words) = try effect() else {
            Issue.record("\(request.faultName): \(try effect())")
            return
        }
        #expect(words.contains("within 5 s"), "\(request.faultName): \(words)")
        // What is not there is not proven.
        _ = injector.undo([injection])
        guard case .notYet = try effect() else {
            Issue.record("\(request.faultName): proven without the fault")
            return
        }
    }

    // MARK: What the proxy would refuse

    private func problem(_ fields: Value) -> String? {
        do {
            _ = try HTTPFault.form.decode(FormNode(fields))
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func whatTheProxyWouldRefuseIsRefusedBefore() {
        #expect(problem(["truncate": "50%"]) == nil)
        #expect(problem(["wrongLength": 3]) == nil)
        #expect(problem(["truncate": "50%", "wrongLength": 3])?.contains("cut short") == true)
        #expect(problem(["status": 204]) == nil)
        #expect(problem(["status": 503, "body": "no"]) == nil)
        for status in [204, 304] as [Int64] {
            let found = problem(["status": .int(status), "body": "no"])
            #expect(found?.contains("has no body") == true, "\(found ?? "nothing")")
        }
        #expect(problem(["body": ""]) != nil)
        #expect(problem(["status": 503, "path": .text("/" + String(repeating: "a", count: 1024))]) != nil)
    }
}
