import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterSystem

/// `muster run --override`: what a person takes on who runs a drill in spite of a blackout.
struct BlackoutOptions: ParsableArguments {
    @Flag(help: "Run in spite of a blackout of drills/schedules.yaml; with --reason and --approver.")
    var override = false
    @Option(help: "Why the blackout does not hold for this run; it is kept with the outcome.")
    var reason: String?
    @Option(help: "Who said that it may.") var approver: String?

    /// - Returns: nil when nobody overrides anything.
    /// - Throws: `Refusal` with exit code 2 when half of it is missing.
    func checked() throws -> BlackoutOverride? {
        let given = [reason, approver].map { $0?.contains { !$0.isWhitespace } ?? false }
        if override, given != [true, true] {
            throw Refusal(
                .usage, "--override needs a reason, and somebody who allows it",
                advice: "add --reason \"…\" and --approver NAME")
        }
        if !override, reason != nil || approver != nil {
            throw Refusal(
                .usage, "--\(reason != nil ? "reason" : "approver") belongs to --override",
                advice: "add --override, or leave it out")
        }
        guard override, let reason, let approver else { return nil }
        return BlackoutOverride(reason: reason, approver: approver)
    }
}

/// Somebody's word that a blackout does not hold for a run.
struct BlackoutOverride: Sendable {
    var reason: String
    var approver: String
}

/// What is recorded of blackouts with a run.
enum BlackoutRule: Sendable {
    case overridden(String, BlackoutOverride)
    /// The schedules cannot be read: why.
    case unknown(String)

    /// What the blackouts of the project mean for a run that begins now.
    /// - Returns: what is to be recorded with it; nil: nothing.
    /// - Throws: `Refusal` with exit code 7 when a blackout holds and nobody overrides it.
    static func of(_ project: Project, _ override: BlackoutOverride?) throws -> BlackoutRule? {
        guard Files.exists(project.schedules) else { return nil }
        let shown = ReportFiles.shown(project.schedules)
        let calendar: ScheduleCalendar
        do {
            calendar = try Schedules.blackouts(of: Files.text(project.schedules)) {
                try ZoneDirectory.rules($0)
            }
        } catch {
            let why = (error as? FormProblems)?.problems.first?.message ?? "\(error)"
            return .unknown("\(shown) cannot be read, so nobody knows whether a blackout holds: \(why)")
        }
        let now = Moment(utcNanoseconds: SystemTimekeeper().utcNanoseconds())
        guard let blackout = calendar.blackout(at: now) else { return nil }
        let words = "blackout '\(blackout.name)' until \(blackout.span.upperBound.text): \(blackout.reason)"
        guard let override else {
            throw Refusal(
                .refused, "\(words) (\(shown))",
                advice: "wait until it is over; or --override --reason \"…\" --approver NAME, which is kept")
        }
        return .overridden(words, override)
    }

    func record(in events: RunEvents) {
        switch self {
        case .unknown(let words): events.record(.warning, "", words)
        case .overridden(let words, let override):
            events.record(
                .blackoutOverridden, "", "\(words); overridden by \(override.approver): \(override.reason)",
                actor: RunHeaders.actor,
                detail: [
                    "blackout": .text(words), "reason": .text(override.reason),
                    "approver": .text(override.approver),
                ])
        }
    }
}
