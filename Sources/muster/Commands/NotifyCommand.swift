import ArgumentParser
import Foundation
import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// `muster notify …`: what people were told, and what did not arrive.
struct NotifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notify", abstract: "Who was told of what drills did (drills/notify.yaml).",
        discussion: """
            Example: muster notify test
                     muster notify list --undelivered
            """,
        subcommands: [
            NotifyListCommand.self, NotifyTestCommand.self, NotifyRetryCommand.self,
            NotifyDeliverCommand.self,
        ])
}

struct NotifyListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Notices, newest first, and whether they arrived.",
        discussion: "Example: muster notify list --undelivered")

    @Flag(help: "Only what did not arrive.") var undelivered = false
    @Option(help: "How many.") var limit = 20
    @OptionGroup var store: StoreOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try carryOut {
            let entries =
                Files.exists(Project.current.outcomesPath(store.outcomes))
                ? try store.open().notices(limit: limit, undelivered: undelivered) : []
            if output.json {
                Terminal.line(Value.list(entries.map(\.value)).prettyJSON)
                return .pass
            }
            var table = Table("CREATED (UTC)", "KIND", "CHANNEL", "TRIES", "STATE", "ID")
            for entry in entries {
                table.add(
                    ScheduleText.local(entry.created, .utc), entry.kind.rawValue, entry.channel,
                    "\(entry.attempts)", entry.words, entry.id)
            }
            Terminal.line(table.text(width: Terminal.width))
            return .pass
        }
    }
}

struct NotifyTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Sends a trial to every channel, and says what came of it.",
        discussion: "Example: muster notify test")

    @OptionGroup var store: StoreOptions

    func run() throws {
        try carryOut {
            let notifier = Notifier(project: .current)
            let channels = try notifier.channels()
            guard !channels.isEmpty else {
                throw Refusal(
                    .usage, "there is nobody to tell",
                    advice: "write drills/notify.yaml (docs/NOTIFICATIONS.md)")
            }
            let outbox = try store.open(access: .readWrite)
            let notice = notifier.make(.test, "a trial of Muster's notices", "sent by \(RunHeaders.actor)")
            try outbox.post(notice, to: channels)
            let delivery = NoticeDelivery(notifier, from: outbox)
            try delivery.proceed()
            delivery.settle()
            let entries = try outbox.notices(limit: 1000).filter { $0.id == notice.id }
            for entry in entries { Terminal.line("\(entry.channel): \(entry.words)") }
            return entries.allSatisfy(\.isDelivered) ? .pass : .notVerified
        }
    }
}

struct NotifyRetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Tries again what did not arrive.",
        discussion: "Example: muster notify retry 01JDQ4T0M0Q4Z5W6X7Y8Z9ABCD")

    @Argument(help: "Only that one, by its id (default: all).") var id: String?
    @OptionGroup var store: StoreOptions

    func run() throws {
        try carryOut {
            let now = Moment(utcNanoseconds: SystemTimekeeper().utcNanoseconds())
            let notifier = Notifier(project: .current)
            _ = try notifier.channels()
            let outbox = try store.open(access: .readWrite)
            let count = try outbox.retryNotices(id, at: now)
            if count == 0, let id {
                throw Refusal(
                    .usage, "no notice \(id) waits to arrive", advice: "`muster notify list` shows them")
            }
            let delivery = NoticeDelivery(notifier, from: outbox)
            try delivery.proceed()
            delivery.settle()
            let left = try outbox.notices(limit: 10_000, undelivered: true)
            Terminal.line("tried \(count); \(left.count) did not arrive")
            for entry in left { Terminal.line("  \(entry.id) to \(entry.channel): \(entry.words)") }
            return left.isEmpty ? .pass : .notVerified
        }
    }
}

/// Started by whoever puts something into the outbox, beside itself; ends when nothing is due soon.
struct NotifyDeliverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliver", abstract: "Delivers what waits, and ends.",
        discussion: "Example: muster notify deliver", shouldDisplay: false)

    @OptionGroup var store: StoreOptions
    /// What is due later is tried by the next one.
    private static let patience = Duration.seconds(60)
    private static let longest = Duration.seconds(600)

    func run() throws {
        try carryOut {
            let clock = SystemTimekeeper()
            let outbox = try store.open(access: .readWrite)
            let delivery = NoticeDelivery(Notifier(project: .current), from: outbox)
            let end = clock.monotonic() + Self.longest
            while clock.monotonic() < end {
                try delivery.proceed()
                // While one hangs, others may come.
                let isIdle = delivery.settle(within: .seconds(1))
                guard isIdle else { continue }
                guard let next = try outbox.nextNotice() else { break }
                let wait = next - Moment(utcNanoseconds: clock.utcNanoseconds())
                if wait > Self.patience { break }
                clock.sleep(for: min(max(wait, .zero), .seconds(1)))
            }
            return .pass
        }
    }
}

extension OutboxEntry {
    var isDelivered: Bool { if case .delivered = state { true } else { false } }

    /// Whether it arrived, for people.
    var words: String {
        switch state {
        case .delivered(let at): "arrived \(at.text)"
        case .waiting(let next):
            failure.map { "waits until \(next.text): \($0)" } ?? "waits"
        case .gaveUp: "given up" + (failure.map { ": \($0)" } ?? "")
        }
    }

    var value: Value {
        let word =
            switch state {
            case .delivered: "delivered"
            case .waiting: "waiting"
            case .gaveUp: "given-up"
            }
        return [
            "id": .text(id), "channel": .text(channel), "kind": .text(kind.rawValue),
            "created": .text(created.text), "attempts": .int(Int64(attempts)), "state": .text(word),
            "failure": failure.map { .text($0) } ?? .null, "body": .text(body),
        ]
    }
}
