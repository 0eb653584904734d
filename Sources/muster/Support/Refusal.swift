import ArgumentParser
import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterProbes

/// What a command ends with: the one table of exit codes. (ArgumentParser has a type of the same name.)
typealias Status = MusterDrills.ExitCode

/// A clear no: what was wrong and what to do, with the exit code that belongs to it.
struct Refusal: Error, CustomStringConvertible {
    var code: Status
    var message: String
    var advice: String
    var description: String { message }

    init(_ code: Status, _ message: String, advice: String) {
        self.code = code
        self.message = hidingPasswords(message)
        self.advice = hidingPasswords(advice)
    }
}

extension Refusal {
    /// Of a drill that cannot be measured as it is, here; nothing was touched.
    init(_ error: MeasuringError) {
        let code: Status =
            switch error {
            case .configuration, .unknownKind: .usage
            case .library, .ledger, .system: .refused
            }
        self.init(code, error.description, advice: "nothing was touched; mend that, and run it again")
    }
}

/// Runs a command's work and turns what it throws into words and an exit code.
/// - Parameter printed: what it prints is all that comes of it; nothing of it may be lost in silence.
func carryOut(printed: Bool = true, _ body: () throws -> Status) throws {
    var status: Status
    do {
        status = try body()
    } catch let refusal as Refusal {
        Terminal.complain(refusal.message, advice: refusal.advice)
        status = refusal.code
    } catch let code as ArgumentParser.ExitCode {
        throw code
    } catch let error as OutcomeStoreError {
        Terminal.complain(error.description, advice: "")
        status = .usage
    } catch {
        Terminal.complain(
            "\(error)", advice: "this looks like a bug; please report it with the command you typed")
        status = .internalError
    }
    if printed, let why = Terminal.lostOutput {
        Terminal.complain(
            "standard output could not be written: \(why)", advice: "make room there, and ask again")
        status = Status.worst([status, .usage])
    }
    if status != .pass { throw ArgumentParser.ExitCode(status.rawValue) }
}
