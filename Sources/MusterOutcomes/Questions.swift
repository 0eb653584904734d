import GRDB
public import MusterCore
public import MusterDrills

/// What became of an attempt to answer a question.
public enum QuestionReply: Hashable, Sendable {
    case taken(Question)
    /// Somebody was faster, or the run was broken off: as it was answered.
    case answeredBefore(Question)
    /// Its time is over; that is no yes.
    case tooLate(Question)
    /// The process that asked is gone: nobody waits for the answer.
    case nobodyWaits(Question)
    case unknown
}

extension OutcomeStore {
    /// Shows a question to everybody who looks at its run.
    /// - Parameter question: its number does not count.
    /// - Returns: the number by which it is answered.
    public func ask(_ question: Question) throws -> Int {
        try write { database in
            try requireRun(database, question.run)
            try database.execute(
                sql: """
                    INSERT INTO questions (run, runbook, step, text, role, ask, expected_ns, limit_ns, shown_ns, \
                    shown_utc_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    question.run, question.runbook, question.step, question.text, question.role, question.ask,
                    question.expected?.nanoseconds, question.limit.nanoseconds, question.shown.nanoseconds,
                    question.shownUTC,
                ])
            return Int(database.lastInsertedRowID)
        }
    }

    /// Somebody begins to work on it: from here on time is work, and no longer waiting. Only the first one counts.
    public func acknowledge(_ number: Int, by actor: String, at now: Instant) throws -> QuestionReply {
        try change(number, at: now, isRun: false) { database in
            try database.execute(
                sql: """
                    UPDATE questions SET acknowledged_ns = ?, acknowledged_by = ? \
                    WHERE number = ? AND acknowledged_ns IS NULL
                    """, arguments: [now.nanoseconds, actor, number])
        }
    }

    /// Answers a question, in one transaction: whoever is first, wins.
    /// - Parameters:
    ///   - isRun: whether the run itself says so, such as that the time is over: for it there is no deadline.
    ///   - now: on the clock of the run's host.
    public func answer(
        _ number: Int, _ answer: Question.Answer, by actor: String?, reason: String? = nil,
        evidence: String? = nil, at now: Instant, isRun: Bool = false
    ) throws -> QuestionReply {
        try change(number, at: now, isRun: isRun) { database in
            try database.execute(
                sql: """
                    UPDATE questions SET answer = ?, answered_ns = ?, answered_by = ?, reason = ?, evidence = ? \
                    WHERE number = ? AND answer IS NULL
                    """, arguments: [answer.rawValue, now.nanoseconds, actor, reason, evidence, number])
        }
    }

    /// Puts evidence and reason as they may be kept in place of what was typed.
    public func redact(_ number: Int, reason: String?, evidence: String?) throws {
        try write { database in
            try database.execute(
                sql: "UPDATE questions SET reason = ?, evidence = ? WHERE number = ?",
                arguments: [reason, evidence, number])
        }
    }

    private func change(
        _ number: Int, at now: Instant, isRun: Bool, _ body: (Database) throws -> Void
    ) throws -> QuestionReply {
        try write { database in
            guard let question = try question(database, number) else { return .unknown }
            if question.answer != nil { return .answeredBefore(question) }
            if !isRun {
                if now > question.deadline { return .tooLate(question) }
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM runs WHERE id = ?", arguments: [question.run])
                // Where it is not known which process asked, its deadline says enough.
                if let engine = row.flatMap(Self.engine), isAlive?(engine) == false {
                    return .nobodyWaits(question)
                }
            }
            try body(database)
            return try self.question(database, number).map { .taken($0) } ?? .unknown
        }
    }

    public func question(_ number: Int) throws -> Question? {
        try readable { try question($0, number) }
    }

    /// Those that wait for an answer, oldest first.
    public func openQuestions(ofRun run: String) throws -> [Question] {
        try readable { database in
            guard try database.tableExists("questions") else { return [] }
            return try Row.fetchAll(
                database,
                sql: "SELECT * FROM questions WHERE run = ? AND answer IS NULL ORDER BY number",
                arguments: [run]
            ).map(Self.question)
        }
    }

    private func question(_ database: Database, _ number: Int) throws -> Question? {
        try Row.fetchOne(database, sql: "SELECT * FROM questions WHERE number = ?", arguments: [number])
            .map(Self.question)
    }

    private static func question(_ row: Row) throws -> Question {
        let expected: Int64? = row["expected_ns"]
        var question = Question(
            number: row["number"], run: row["run"], runbook: row["runbook"], step: row["step"],
            text: row["text"], role: row["role"], ask: row["ask"],
            expected: expected.map { .nanoseconds($0) }, limit: .nanoseconds(row["limit_ns"]),
            shown: Instant(nanoseconds: row["shown_ns"]), shownUTC: row["shown_utc_ns"])
        question.acknowledged = (row["acknowledged_ns"] as Int64?).map { Instant(nanoseconds: $0) }
        question.acknowledgedBy = row["acknowledged_by"]
        question.answered = (row["answered_ns"] as Int64?).map { Instant(nanoseconds: $0) }
        question.answeredBy = row["answered_by"]
        if row["answer"] as String? != nil { question.answer = try word(row, "answer") }
        question.reason = row["reason"]
        question.evidence = row["evidence"]
        return question
    }
}

// MARK: What people want of a run

/// Somebody wants a run to be broken off.
public struct AbortRequest: Hashable, Sendable {
    public var number: Int
    public var actor: String
    public var reason: String
}

extension OutcomeStore {
    /// - Returns: its number, by which one sees whether the run has taken it.
    public func requestAbort(ofRun run: String, by actor: String, reason: String, atUTC utc: Int64) throws
        -> Int
    {
        try write { database in
            try requireRun(database, run)
            try database.execute(
                sql: "INSERT INTO run_requests (run, actor, reason, utc_ns) VALUES (?, ?, ?, ?)",
                arguments: [run, actor, reason, utc])
            return Int(database.lastInsertedRowID)
        }
    }

    /// Those that the run has not taken yet, oldest first.
    public func abortRequests(ofRun run: String) throws -> [AbortRequest] {
        try read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM run_requests WHERE run = ? AND taken = 0 ORDER BY number",
                arguments: [run]
            ).map { AbortRequest(number: $0["number"], actor: $0["actor"], reason: $0["reason"]) }
        }
    }

    public func takeAbortRequest(_ number: Int) throws {
        try write { database in
            try database.execute(
                sql: "UPDATE run_requests SET taken = 1 WHERE number = ?", arguments: [number])
        }
    }

    public func isTaken(abortRequest number: Int) throws -> Bool {
        try read { database in
            try Bool.fetchOne(
                database, sql: "SELECT taken FROM run_requests WHERE number = ?", arguments: [number]) == true
        }
    }

    /// Puts down what a person noted while a run goes on.
    /// - Returns: false for a run that is over: what is judged is not added to.
    public func note(_ event: Event, in run: String) throws -> Bool {
        try write { database in
            let closed = "SELECT EXISTS (SELECT 1 FROM closings WHERE run = ?)"
            if try Bool.fetchOne(database, sql: closed, arguments: [run]) == true { return false }
            try insert(database, [event], run)
            return true
        }
    }
}
