import MusterCore
import MusterFaults
import MusterHost
import MusterJournal
import Testing

/// What a partition does to real packets. A port without a listener refuses at once; behind a partition the
/// same attempt hangs.
@Suite(.serialized) struct PartitionTests {
    /// - Parameter patience: seconds until an attempt counts as one that hangs; the kernel sends the first packet
    ///   again after one, so that a longer patience sees a partition end.
    private func answer(_ bench: Bench, port: Int = 6379, patience: Double = 30) -> String {
        let attempt = "echo > /dev/tcp/127.0.0.1/\(port)"
        let script = "nsenter --net=/run/netns/\(bench.namespace) timeout \(patience) bash -c '\(attempt)'"
        return bench.shell(script)?.endingInWords ?? "?"
    }

    private func benchWithNamespace() throws -> Bench? {
        guard isRoot else {
            print("skipped without root: a partition needs a network namespace")
            return nil
        }
        let bench = try Bench()
        let space = bench.namespace
        bench.shell("ip netns add \(space) && ip netns exec \(space) ip link set lo up")
        return bench
    }

    @Test(arguments: Direction.allCases) func packetsVanishAndComeBack(direction: Direction) throws {
        guard let bench = try benchWithNamespace() else { return }
        defer { bench.close() }
        var cut = NetPartition()
        cut.peers = ["127.0.0.1"]
        cut.ports = [6379]
        cut.direction = direction
        #expect(answer(bench) == "exit code 1", "refused at once")
        let target = Target(.network(.namespace(bench.namespace)))
        let injection = try bench.injector.inject(bench.request(cut, target)) {}
        #expect(answer(bench, patience: 2) == "exit code 124", "hangs")
        #expect(answer(bench, port: 6380) == "exit code 1", "other ports are left alone")
        guard case .proven(let words) = try bench.injector.effect(of: injection, cut, on: target) else {
            Issue.record("the effect is not proven")
            return
        }
        #expect(!words.contains(" 0 packets"), "the counters rose: \(words)")
        #expect(bench.injector.undo([injection]).first?.closed == .verified)
        #expect(answer(bench) == "exit code 1")
    }

    @Test func theKernelLiftsItWhenNobodyElseDoes() throws {
        guard let bench = try benchWithNamespace() else { return }
        defer { bench.close() }
        var cut = NetPartition()
        cut.peers = ["127.0.0.0/8"]
        cut.deadline = .seconds(1)
        let target = Target(.network(.namespace(bench.namespace)))
        let injection = try bench.injector.inject(bench.request(cut, target)) {}
        #expect(waitUntil { answer(bench) == "exit code 1" }, "lifted by itself")
        guard case .notYet = try bench.injector.effect(of: injection, cut, on: target) else {
            Issue.record("the effect is still told as proven")
            return
        }
        // The empty table is still ours to remove.
        #expect(bench.injector.undo([injection]).first?.closed == .verified)
    }

    @Test func aNamespaceThatIsGoneNeedsNoMending() throws {
        guard let bench = try benchWithNamespace() else { return }
        defer { bench.close() }
        let target = Target(.network(.namespace(bench.namespace)))
        let injection = try bench.injector.inject(bench.request(NetPartition(), target)) {}
        bench.shell("ip netns del \(bench.namespace)")
        let result = try #require(bench.injector.undo([injection]).first)
        #expect(result.closed == .verified)
        guard case .moot? = result.facts.last?.after else {
            Issue.record("not told as moot: \(result)")
            return
        }
    }
}
