import ArgumentParser
import Foundation
import MusterCore
import MusterOutcomes

/// What a command ends with: the one table of exit codes. (ArgumentParser has a type of the same name.)
typealias Status = MusterCore.ExitCode

/// A clear no: what was wrong and what to do, with the exit code that belongs to it.
struct Refusal: Error {
    var code: Status
    var message: String
    var advice: String

    init(_ code: Status, _ message: String, advice: String) {
        self.code = code
        self.message = hidingPasswords(message)
        self.advice = hidingPasswords(advice)
    }
}

/// Runs a command's work and turns what it throws into words and an exit code.
func carryOut(_ body: () throws -> Status) throws {
    let status: Status
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
    if status != .pass { throw ArgumentParser.ExitCode(status.rawValue) }
}
