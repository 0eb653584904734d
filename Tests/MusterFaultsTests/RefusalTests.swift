import MusterCore
import MusterHost
import Testing

@testable import MusterFaults

/// What must not be touched is refused, with what to do about it.
@Suite(.serialized) struct RefusalTests {
    private func refusal(_ fault: any Fault, _ target: Target, on bench: Bench) -> FaultRefusal.Code? {
        do {
            _ = try bench.injector.plan(bench.request(fault, target))
            return nil
        } catch let refusal as FaultRefusal {
            #expect(!refusal.advice.isEmpty)
            return refusal.code
        } catch {
            Issue.record("no refusal but \(error)")
            return nil
        }
    }

    @Test func processesThatAreNobodysToStrike() throws {
        let bench = try Bench()
        defer { bench.close() }
        let sleeper = try bench.sleeper()
        try bench.put("data/one", Array("1\n".utf8))
        try bench.put("data/two", Array("2\n".utf8))
        let kill = ProcessKill()
        #expect(refusal(kill, Target(.process(.pidFile(bench.path("data/one")))), on: bench) == .protected)
        #expect(refusal(kill, Target(.process(.name("no-such-name"))), on: bench) == .noMatch)
        #expect(refusal(kill, Target(.process(.pidFile("/no/such/file"))), on: bench) == .noMatch)
        #expect(refusal(kill, Target(.process(.commandLine(sleeper)), count: 2), on: bench) == .wrongCount)
        #expect(refusal(kill, Target(.process(.commandLine(sleeper))), on: bench) == .irreversible)
        #expect(refusal(kill, Target(.path("/srv")), on: bench) == .wrongTarget)
        #expect(
            refusal(kill, Target(.process(.commandLine(sleeper)), allow: ["irreversible"]), on: bench) == nil)
        let secret = Target(.process(.commandLine(sleeper)), restart: ["start", "redis://u:p@host"])
        #expect(refusal(kill, secret, on: bench) == .unsafe)
    }

    @Test func fillsThatWouldHurt() throws {
        let bench = try Bench()
        defer { bench.close() }
        var fill = DiskFill()
        fill.size = ByteCount(1 << 20)
        #expect(refusal(fill, Target(.path("/")), on: bench) == .protected)
        #expect(refusal(fill, Target(.path("/etc")), on: bench) == .protected)
        // The journal lies on the same file system, whichever that is.
        let data = Target(.path(bench.path("data")), allow: ["root-filesystem"])
        #expect(refusal(fill, data, on: bench) == .protected)
        fill.mount = "/srv/not-mounted"
        #expect(refusal(fill, data, on: bench) == .unsafe)
        #expect(refusal(fill, Target(.path(bench.path("state"))), on: bench) == .protected)
    }

    @Test func aFillLeavesItsFloorAndStaysUnderItsCap() throws {
        let system = FileSystem(
            device: 1, mountPoint: "/data", type: "ext4", source: "/dev/loop0", totalBytes: 1000 << 20,
            availableBytes: 800 << 20, isReadOnly: false)
        var fill = DiskFill()
        fill.leave = ByteCount(10 << 20)
        #expect(try fill.room(on: system) == 790 << 20)
        fill.leave = ByteCount(9 << 20)
        #expect(throws: FaultRefusal.self) { try fill.room(on: system) }
        fill.floor = ByteCount(0)
        fill.leave = ByteCount(0)
        #expect(try fill.room(on: system) == 800 << 20)
        fill.cap = ByteCount(799 << 20)
        #expect(throws: FaultRefusal.self) { try fill.room(on: system) }
        fill.leave = nil
        fill.percent = Percentage(millionths: 500_000)
        #expect(try fill.room(on: system) == 400 << 20)
        var shared = system
        shared.source = "/dev/vda1"
        fill.floor = nil
        fill.percent = nil
        fill.size = ByteCount(740 << 20)
        #expect(throws: FaultRefusal.self) { try fill.room(on: shared) }
    }

    @Test func filesThatAreNotAServicesOwn() throws {
        let bench = try Bench()
        defer { bench.close() }
        #expect(refusal(FileCorrupt(), Target(.path("/etc/passwd")), on: bench) == .protected)
        #expect(
            refusal(FileCorrupt(), Target(.path(bench.path("state/journal.sqlite"))), on: bench) == .protected
        )
        #expect(refusal(FileCorrupt(), Target(.path(bench.path("data"))), on: bench) == .wrongTarget)
        #expect(refusal(FileCorrupt(), Target(.path(bench.path("data/none"))), on: bench) == .noMatch)
    }

    @Test func twoFaultsOnOneThing() throws {
        let bench = try Bench()
        defer { bench.close() }
        let target = Target(.process(.commandLine(try bench.sleeper())))
        _ = try bench.injector.inject(bench.request(ProcessPause(), target)) {}
        let kill = Target(target.selector, allow: ["irreversible"])
        #expect(refusal(ProcessKill(), kill, on: bench) == .claimed)
    }
}
