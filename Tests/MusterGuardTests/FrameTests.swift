import MusterCore
import Testing

@testable import MusterGuard

@Suite struct FrameTests {
    @Test func linesAreCutAndAnEndlessOneIsRefused() throws {
        var reader = LineReader(limit: 8)
        reader.append(Array("ab\ncd".utf8))
        #expect(try reader.next() == Array("ab".utf8))
        #expect(try reader.next() == nil)
        reader.append(Array("\n\n".utf8))
        #expect(try reader.next() == Array("cd".utf8))
        #expect(try reader.next() == [])
        reader.append(Array("12345678".utf8))
        #expect(throws: FrameProblem.tooLong(8)) { try reader.next() }
    }

    @Test func deepNestingIsRefusedBeforeAParserSeesIt() {
        let deep = Array((String(repeating: "[", count: 33) + String(repeating: "]", count: 33)).utf8)
        #expect(throws: FrameProblem.tooDeep) { try Frame.decode(Value.self, from: deep) }
        let brackets = Array(#"{"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"{{{"}"#.utf8)
        #expect(jsonDepth(of: brackets) == 1)
    }

    @Test func requestsSurviveTheWireAndUnknownFieldsAreIgnored() throws {
        let id = InjectionID("t-1")!
        let wish = InjectionWish(
            id: id, run: "r", name: "n", fault: "f", parameters: ["a": 1], target: ["host": true])
        let commands: [GuardCommand] = [
            .plan(wish), .inject(wish), .effect(id), .renew, .undo(nil, recovered: []),
            .undo([id], recovered: [id]), .ended(id), .list, .check, .supervisor(id, .stop),
            .abort(reason: "x"), .bye,
        ]
        for command in commands {
            let line = try Frame.encode(RequestFrame(id: 7, command, deadline: 5))
            let read = try Frame.decode(RequestFrame.self, from: line)
            #expect(read.command == command)
            #expect(read.id == 7)
            #expect(read.deadline == 5)
        }
        let later = Array(#"{"id":1,"request":"teleport","colour":"red"}"#.utf8)
        #expect(try Frame.decode(RequestFrame.self, from: later).command == .unknown("teleport"))
    }

    @Test func aHelloIsFoundBehindABanner() throws {
        let hello = Hello(
            version: "1", protocol: 1, host: "h", bootID: "b", userID: 0, tag: "t", stateDirectory: "/s",
            pid: 1, lease: 5, journal: .sound, mended: [], isStillMending: false)
        var finder = HelloFinder(nonce: "abc")
        #expect(try finder.take(Array("Welcome!\nMUSTER/1 other {}\nprompt$ ".utf8)) == nil)
        guard case .hello(let found)? = try finder.take(try hello.line(nonce: "abc")) else {
            Issue.record("no hello")
            return
        }
        #expect(found == hello)
        var flooded = HelloFinder(nonce: "abc")
        #expect(throws: GuardFailure.self) {
            for _ in 0..<70 { _ = try flooded.take([UInt8](repeating: 0x78, count: 1000) + [0x0A]) }
        }
    }
}

@Suite struct WriteQueueTests {
    @Test func isBoundedAndDropsOnlyWhatMayBeDropped() {
        var queue = WriteQueue()
        let accepted = (0..<WriteQueue.frameLimit).count { _ in queue.push([1]) }
        #expect(accepted == WriteQueue.frameLimit)
        let dropped = queue.push([1], droppable: true)
        #expect(dropped && queue.dropped == 1)
        let refused = !queue.push([1])
        #expect(refused)
        var bytes = WriteQueue()
        let large = bytes.push([UInt8](repeating: 0, count: WriteQueue.byteLimit))
        let more = bytes.push([0])
        #expect(large && !more)
    }

    @Test func goesOnWhereAWriteStopped() {
        var queue = WriteQueue()
        _ = queue.push([1, 2, 3])
        _ = queue.push([4])
        var written: [UInt8] = []
        queue.flush { slice in
            guard written.count < 2 else { return nil }
            written += slice.prefix(2)
            return 2
        }
        #expect(queue.bytes == 2)
        queue.flush { slice in
            written += slice
            return slice.count
        }
        #expect(written == [1, 2, 3, 4])
        #expect(queue.isEmpty)
    }
}

@Suite struct LeaseTests {
    @Test func lapsesExactlyAtItsEndAndNeverGoesBack() {
        let start = Instant(nanoseconds: 1000)
        var lease = Lease(.nanoseconds(100), at: start)
        #expect(!lease.hasLapsed(at: Instant(nanoseconds: 1099)))
        #expect(lease.hasLapsed(at: Instant(nanoseconds: 1100)))
        lease.renew(at: Instant(nanoseconds: 1050))
        #expect(!lease.hasLapsed(at: Instant(nanoseconds: 1149)))
        lease.renew(at: Instant(nanoseconds: 900))
        #expect(lease.end == Instant(nanoseconds: 1150))
        #expect(lease.left(at: Instant(nanoseconds: 2000)) == .zero)
    }
}
