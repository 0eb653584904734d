import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterGuard

@Suite struct MendingRunTests {
    /// Hands that end before they have said anything, as when they crash while they open the journal: an undo must
    /// not report that nothing was open.
    @Test(arguments: [false, true]) func silenceIsNotTakenForNothingOpen(forgivesFailures: Bool) throws {
        let bench = try Bench()
        let run = MendingRun(executable: try Descriptor(opening: "/bin/true", O_RDONLY), state: bench.state)
        #expect(throws: GuardFailure.self) {
            try run.untilClosed(within: .milliseconds(250), forgivesFailures: forgivesFailures)
        }
    }
}
