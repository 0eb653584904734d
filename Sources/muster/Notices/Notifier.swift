import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

/// Tells people of what drills do: puts notices into the outbox of the store, from where somebody else delivers them.
/// Nothing here waits for a web server or a program.
struct Notifier: Sendable {
    let project: Project
    /// Set by a daemon for what it starts: it delivers itself.
    static let deliveredByOthers = "MUSTER_NOTICES_DELIVERED"
    private let clock = SystemTimekeeper()

    init(project: Project) { self.project = project }

    /// Whether anybody wants to be told of anything.
    var isUsed: Bool { Files.exists(project.notify) }

    /// - Throws: `Refusal` with exit code 2 when the file cannot be used.
    func channels() throws -> [NoticeChannel] {
        guard isUsed else { return [] }
        let text = try Files.text(project.notify)
        do {
            return try NoticeFile.read(text)
        } catch let problems as FormProblems {
            let shown = ReportFiles.shown(project.notify)
            throw Refusal(
                .usage,
                "\(shown) cannot be used\n"
                    + ProblemText.render(problems.problems, path: shown, source: text),
                advice: "mend the lines above; `muster lint \(shown)` checks again")
        }
    }

    func make(
        _ kind: Notice.Kind, _ title: String, _ text: String = "", _ detail: [String: Value] = [:]
    ) -> Notice {
        var detail = detail
        detail["host"] = .text(HostNames.read().host)
        return Notice(
            id: ULID.make(), kind, utc: clock.utcNanoseconds(), title: hidingPasswords(title),
            text: hidingPasswords(text), detail: detail)
    }

    /// Puts a notice into the outbox; where nobody can say who is to be told, it is kept as undeliverable.
    /// - Throws: `OutcomeStoreError`.
    func post(_ notice: Notice, in store: OutcomeStore) throws {
        guard isUsed else { return }
        do {
            try store.post(notice, to: channels())
        } catch let refusal as Refusal {
            try store.post(notice, to: nil, failure: refusal.message)
        }
        deliver(store.path)
    }

    /// Tells of a critical finding. Where that cannot be, the finding stays on record all the same.
    /// - Parameters:
    ///   - words: whose it is, and that of a drill or of a real incident.
    ///   - detail: the game day, or the drill, that it belongs to.
    func tell(ofFinding text: String, _ words: String, _ detail: [String: Value], in store: OutcomeStore) {
        do {
            try post(make(.finding, words, text, detail), in: store)
        } catch {
            Terminal.note("nobody could be told (finding): \(error)")
        }
    }

    /// What a look at the schedules has to tell.
    func news(of answer: ScheduleAnswer) -> [Notice] {
        guard isUsed else { return [] }
        var notices = answer.settled.filter {
            [.missed, .expired, .skipped].contains($0.planned.decision.fate)
        }
        .map { item in
            let planned = item.planned
            return make(
                .missed, "\(planned.schedule) did not run: \(planned.decision.fate.rawValue)",
                "due \(planned.due.text): \(planned.words(in: item.schedule.zone))",
                ["occurrence": .text(planned.key.text), "drill": .text(item.schedule.drill)])
        }
        notices += answer.missedInBulk.sorted { $0.key < $1.key }.map { name, count in
            make(.missed, "\(name): \(count) earlier ones were missed as well")
        }
        notices += answer.died.map { key in
            make(
                .abort, "the scheduler died while \(key.schedule) ran",
                "what it broke is put back without it; `muster outcomes` shows how far it came",
                ["occurrence": .text(key.text)])
        }
        return notices
    }

    /// A run of a schedule that came to no outcome.
    func failure(of key: OccurrenceKey, _ code: Int32) -> Notice? {
        let status = Status(rawValue: code)
        guard isUsed, [.usage, .refused, .internalError].contains(status) || status == nil else { return nil }
        return make(
            .missed, "\(key.schedule) was due and could not be carried out (exit code \(code))",
            "its messages are in the scheduler's log",
            ["occurrence": .text(key.text), "exitCode": .int(Int64(code))])
    }

    /// Starts somebody who delivers what there is, and waits for nobody.
    func deliver(_ storePath: String) {
        let environment = ProcessInfo.processInfo.environment
        guard isUsed, environment[Self.deliveredByOthers] == nil else { return }
        var spawn = Spawn([
            Files.besideUs + "/muster", "notify", "deliver", "--outcomes", Files.absolute(storePath),
        ])
        spawn.directory = project.root
        spawn.newSession = true
        do { _ = try spawn.start() } catch { Terminal.note("notices are kept, and not sent yet: \(error)") }
    }
}
