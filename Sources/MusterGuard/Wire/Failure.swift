import MusterCore

/// What a guard answers, or what became of it, when something could not be done.
public struct GuardFailure: Error, Hashable, Sendable, Codable {
    /// A word that a program can act on.
    public struct Code: RawRepresentable, Hashable, Sendable, Codable {
        public var rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        /// Another guard holds this host.
        public static let locked = Code(rawValue: "locked")
        /// The fault must not or cannot be done here.
        public static let refused = Code(rawValue: "refused")
        /// The guard is going down or lost what it needs, and only mends.
        public static let ending = Code(rawValue: "ending")
        /// The request is not known to this version.
        public static let unsupported = Code(rawValue: "unsupported")
        /// The request cannot be read.
        public static let invalid = Code(rawValue: "invalid")
        /// The journal cannot be relied on.
        public static let journal = Code(rawValue: "journal")
        /// The host said no.
        public static let host = Code(rawValue: "host")
        /// There is no such injection.
        public static let notFound = Code(rawValue: "not-found")
        /// Too many requests are waiting.
        public static let busy = Code(rawValue: "busy")
        /// The connection to the guard ended, or it said something that is not of the protocol.
        public static let lost = Code(rawValue: "lost")
        /// No answer within the deadline.
        public static let timedOut = Code(rawValue: "timed-out")
        /// The surroundings do not let a guard run: a terminal, a state directory of somebody else.
        public static let surroundings = Code(rawValue: "surroundings")
    }

    public var code: Code
    /// What happened, for people.
    public var message: String
    /// What to do about it.
    public var advice: String

    public init(_ code: Code, _ message: String, advice: String) {
        self.code = code
        self.message = message
        self.advice = advice
    }

    /// Any error in the words of the protocol.
    public init(_ error: any Error) {
        switch error {
        case let failure as GuardFailure: self = failure
        case let refusal as FaultRefusal: self.init(.refused, refusal.message, advice: refusal.advice)
        case let problems as FormProblems:
            self.init(
                .invalid, problems.problems.map { Self.words($0) }.joined(separator: "; "),
                advice: "see `muster faults` for the fields")
        case let error as HostError:
            self.init(.host, MusterCore.describe(error), advice: "see `muster doctor`")
        default:
            self.init(
                .host, MusterCore.describe(error), advice: "see `muster doctor` for what this host lacks")
        }
    }

    private static func words(_ problem: FormProblem) -> String {
        let place = problem.path.isEmpty ? "" : problem.path + ": "
        return place + problem.message + (problem.expected.map { ", expected \($0)" } ?? "")
    }
}
