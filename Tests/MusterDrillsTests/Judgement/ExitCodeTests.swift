import MusterCore
import MusterDrills
import Testing

@Suite struct ExitCodeTests {
    @Test func theTable() {
        let codes: [Int32] = [0, 1, 2, 3, 4, 5, 6, 7, 70]
        #expect(ExitCode.allCases.map(\.rawValue).sorted() == codes)
        #expect(ExitCode.byHarm.map(\.rawValue) == [5, 70, 1, 4, 3, 7, 6, 2, 0])
        #expect(ExitCode.allCases.allSatisfy { $0.sentence.hasSuffix(".") || $0 == .residue })
    }

    @Test func highestHarmWins() {
        #expect(ExitCode.worst([.pass, .inconclusive, .aborted]) == .aborted)
        #expect(ExitCode.worst([.internalError, .residue]) == .residue)
        #expect(ExitCode.worst([]) == .pass)
    }

    @Test(arguments: [
        (Verdict.pass, Ending.completed, false, ExitCode.pass), (.fail, .completed, false, .objectiveMissed),
        (.inconclusive, .completed, false, .inconclusive), (.error, .completed, false, .internalError),
        (.inconclusive, .aborted, false, .aborted), (.fail, .aborted, false, .objectiveMissed),
        (.pass, .aborted, false, .aborted), (.pass, .interrupted, false, .aborted),
        (.pass, .completed, true, .residue), (.error, .aborted, true, .residue),
    ]) func ofARun(_ verdict: Verdict, _ ending: Ending, _ residue: Bool, _ code: ExitCode) {
        #expect(ExitCode.of(verdict, ending, hasResidue: residue) == code)
    }
}
