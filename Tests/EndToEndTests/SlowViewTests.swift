import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

extension EndToEndTroubles {
    /// Nobody reads what a run shows: a terminal that is held, a pipe whose reader is busy.
    @Suite struct SlowView {
        enum Reader: String, CaseIterable, Sendable { case pipe, terminal }

        /// The stall is longer than the lease, which a control loop that waits for its reader would let lapse.
        @Test(arguments: Reader.allCases) func whoDoesNotReadHoldsNothingUp(_ reader: Reader) throws {
            let lab = try Lab()
            try lab.write(ShortDrill.pause(for: "7s"), to: "drills/pause.yaml")
            let stalled = try StalledOutput(reader)
            let running = try lab.start(
                ["run", "drills/pause.yaml", "--lease", "4s"], environment: ["TERM": "xterm"],
                into: stalled.takeEnd())
            // It comes last of all that is kept.
            #expect(lab.eventually(within: .seconds(90)) { lab.exists("runbooks/reports/1.html") } != nil)
            #expect(lab.isAlive(running.pid), "somebody has read what it shows")
            let outcome = try lab.newestOutcome()
            #expect(outcome["ending"] == "completed" && outcome["residue"] == [])
            #expect(outcome.texts("abort") == [] && outcome.events("guard-lost") == [])
            try everythingWasProbedAndKept(lab)
            let shown = try stalled.readToEnd()
            let answer = try running.end()
            #expect(
                answer.code == 0 || answer.code == 3 && shown.contains("instrument is suspect"), "\(shown)")
            // Everything that was said meanwhile, and the result after it.
            let places = ["'hang' was lifted", "outcome #1 · report"].map { shown.range(of: $0)?.lowerBound }
            let lifted = try #require(places[0], "\(shown)")
            let result = try #require(places[1], "\(shown)")
            #expect(lifted < result)
            try lab.expectNothingLeft()
        }

        /// Whoever held the output, or pipes it to what reads no more, can still leave: everything is put back and on
        /// record by then.
        @Test(arguments: zip([Reader.pipe, .terminal, .pipe], [[], [], ["--json"]]))
        func aSignalEndsTheWaitForAReader(_ reader: Reader, _ options: [String]) throws {
            let lab = try Lab()
            try lab.write(ShortDrill.pause(for: "1s"), to: "drills/pause.yaml")
            let stalled = try StalledOutput(reader)
            let running = try lab.start(
                ["run", "drills/pause.yaml"] + options, environment: ["TERM": "xterm"],
                into: stalled.takeEnd())
            #expect(lab.eventually(within: .seconds(90)) { lab.exists("runbooks/reports/1.html") } != nil)
            #expect(lab.isAlive(running.pid), "somebody has read what it shows")
            // Until it waits for its reader, a signal is told to the run, which has nothing left to abort.
            let isOver = lab.eventually(within: .seconds(60)) {
                _ = try? running.child.kill(SIGINT)
                return (try? running.child.wait(for: .seconds(1))) != nil
            }
            #expect(isOver != nil, "it waits for its reader")
            let answer = try running.end()
            let outcome = try lab.newestOutcome()
            #expect(outcome["ending"] == "completed" && outcome["residue"] == [])
            #expect(answer.code == 0 || answer.code == 3)
            #expect(answer.code.map { .int(Int64($0)) } == outcome["exitCode"], "\(outcome)")
            try lab.expectNothingLeft()
        }

        /// A run that cannot begin says why, and leaves no outcome that would be "interrupted" for ever.
        @Test func aRunThatCannotBeginLeavesNoOutcome() throws {
            let lab = try Lab()
            try lab.write(ShortDrill.pause(for: "1s"), to: "drills/pause.yaml")
            // Where the ledgers' folder would be.
            try lab.write("", to: "\(lab.state)/ledgers")
            let answer = try lab.muster("run", "drills/pause.yaml")
            #expect(answer.code == 7 && answer.errors.contains("its folder cannot be made"), "\(answer.all)")
            #expect(answer.output == "" && !lab.exists(lab.outcomes), "\(answer.all)")
            try lab.expectNothingLeft()
        }

        private func everythingWasProbedAndKept(_ lab: Lab) throws {
            let line = try lab.shell(
                """
                sqlite3 -separator ' ' '\(lab.outcomes)' "SELECT count(*), max(due_ns) - min(due_ns), sum(outcome = 4) \
                FROM samples JOIN signals ON signals.id = samples.signal WHERE name = 'health'"
                """)
            let numbers = line.split(separator: " ").compactMap { Int64($0) }
            try #require(numbers.count == 3, "\(line)")
            // Due every 20 ms, from before the steady state to after the recovery.
            #expect(numbers[1] > 7_500_000_000, "\(line)")
            #expect(numbers[0] >= numbers[1] / 20_000_000, "\(line)")
            #expect(numbers[2] < numbers[0] / 4, "\(line)")
        }
    }
}

/// A standard output that takes nothing more: what fits into it is there already.
private final class StalledOutput {
    private let reading: Descriptor
    private var writing: Descriptor?

    init(_ reader: EndToEndTroubles.SlowView.Reader) throws {
        switch reader {
        case .pipe: (reading, writing) = try Descriptor.pipe()
        case .terminal:
            // As posix_openpt(3), unlockpt(3) and ptsname(3) do it (ioctl_tty(2), TIOCSPTLCK and TIOCGPTN).
            reading = try Descriptor(opening: "/dev/ptmx", O_RDWR | O_NOCTTY)
            var (lock, number): (Int32, UInt32) = (0, 0)
            try #require(ioctl(reading.number, 0x4004_5431, &lock) == 0)
            try #require(ioctl(reading.number, 0x8004_5430, &number) == 0)
            writing = try Descriptor(opening: "/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        }
        let end = try #require(writing).number
        let flags = fcntl(end, F_GETFL)
        _ = fcntl(end, F_SETFL, flags | O_NONBLOCK)
        let block = [UInt8](repeating: UInt8(ascii: "#"), count: 512)
        // In pieces of every size, to the last byte.
        for size in [512, 1] { while write(end, block, size) > 0 {} }
        #expect(errno == EAGAIN)
        _ = fcntl(end, F_SETFL, flags)
    }

    /// For the one who writes; once it has ended, so has what can be read.
    func takeEnd() throws -> Descriptor {
        defer { writing = nil }
        return try #require(writing)
    }

    func readToEnd() throws -> String {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let got = read(reading.number, &piece, piece.count)
            if got < 0, errno == EINTR { continue }
            // The end of a terminal is an error (EIO, pty(7)).
            if got <= 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece[..<got]
        }
    }
}
