import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterProbes
import MusterSystem

/// Takes notices from the outbox and delivers them, each at least once. A thread for each channel, one notice after the
/// other: a channel that hangs keeps no other waiting.
final class NoticeDelivery: @unchecked Sendable {
    private let notifier: Notifier
    private let store: OutcomeStore
    private let clock = SystemTimekeeper()
    private let condition = Condition()
    /// Guarded by `condition`.
    private var busy: Set<String> = []
    /// The longest that a try can take (`timeout` of a channel), and time to record it.
    private static let claim = Duration.seconds(120)

    init(_ notifier: Notifier, from store: OutcomeStore) {
        self.notifier = notifier
        self.store = store
        // A server that hangs up must not end us: curl leaves that to its users (CURLOPT_NOSIGNAL).
        try? Signals.ignore(SIGPIPE)
    }

    private var now: Moment { Moment(utcNanoseconds: clock.utcNanoseconds()) }

    /// Begins to deliver what is due, and waits for none of it.
    /// - Throws: `OutcomeStoreError`; `Refusal` when nobody can say where to: what waits goes on waiting.
    func proceed() throws {
        let due = try store.channelsDue(at: now)
        guard !due.isEmpty else { return }
        let channels = try notifier.channels()
        for name in due where condition.withLock({ busy.insert(name).inserted }) {
            let channel = channels.first { $0.name == name }
            do {
                try startThread(name: "muster-notice") { [self] in
                    while let entry = take(name) { attempt(entry, channel) }
                    condition.withLock {
                        busy.remove(name)
                        condition.signal()
                    }
                }
            } catch {
                condition.withLock { _ = busy.remove(name) }
                throw error
            }
        }
    }

    /// Waits until nothing is under way.
    /// - Parameter limit: for how long at the most; nil: as long as it takes.
    /// - Returns: whether that is so.
    @discardableResult
    func settle(within limit: Duration? = nil) -> Bool {
        let end = limit.map { clock.monotonic() + $0 }
        return condition.withLock {
            while !busy.isEmpty, condition.wait(until: end) {}
            return busy.isEmpty
        }
    }

    private func take(_ channel: String) -> OutboxEntry? {
        // What cannot be taken now is there the next time.
        try? store.takeNotice(for: channel, at: now, until: now + Self.claim)
    }

    private func attempt(_ entry: OutboxEntry, _ channel: NoticeChannel?) {
        let failure = channel.map { send(entry, by: $0) } ?? "drills/notify.yaml has no channel of that name"
        var state = OutboxEntry.State.delivered(at: now)
        if failure != nil {
            let next = now + NoticeChannel.pause(after: entry.attempts, random: .random(in: 0...1))
            let end = entry.created + (channel?.giveUpAfter ?? .seconds(3600))
            state = next > end ? .gaveUp : .waiting(next: next)
        }
        // Where it cannot be recorded it is tried again: at least once.
        try? store.settle(entry, state, failure: failure)
    }

    /// - Returns: why it did not arrive, without anything secret; nil when it did.
    private func send(_ entry: OutboxEntry, by channel: NoticeChannel) -> String? {
        switch channel.way {
        case .command(let argv): return run(argv, entry, channel.timeout)
        case .webhook(let url, let secret, let body):
            do {
                let address = try resolve(url)
                let key = try secret.map { Array(try resolve($0).utf8) }
                guard address.hasPrefix("https://") || address.hasPrefix("http://") else {
                    return "the webhook's URL is none of a web server"
                }
                return post(entry, to: address, key, body, channel.timeout)
            } catch {
                return (error as? Refusal)?.message ?? "\(error)"
            }
        }
    }

    private func post(
        _ entry: OutboxEntry, to url: String, _ key: [UInt8]?, _ form: NoticeChannel.Body, _ timeout: Duration
    ) -> String? {
        var body = entry.body
        if form == .text, let notice = try? JSONDecoder().decode(Value.self, from: Data(body.utf8)) {
            let lines = [notice["title"], notice["text"]].compactMap { $0?.asText }.filter { !$0.isEmpty }
            body = Value.map(["text": .text(lines.joined(separator: "\n"))]).canonicalJSON
        }
        let time = "\(now.seconds)"
        var headers = [
            "Content-Type: application/json", "User-Agent: muster/\(toolVersion)", "X-Muster-Id: \(entry.id)",
            "X-Muster-Kind: \(entry.kind.rawValue)", "X-Muster-Timestamp: \(time)",
        ]
        if let key {
            // The time is signed as well, so that an old message cannot be sent again.
            headers.append(
                "X-Muster-Signature: sha256=" + HMAC.hex(of: Array("\(time).\(body)".utf8), key: key))
        }
        return HTTPPost(url: url, headers: headers, body: body, timeout: timeout).send()
    }

    /// A secret where it is kept.
    private func resolve(_ text: String) throws -> String {
        switch SecretReference(text) {
        case nil: return text
        case .environment(let name):
            guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
                throw Refusal(
                    .usage, "the variable \(name) is not set where notices are delivered", advice: "")
            }
            return value
        case .file(let path):
            let text = try Files.text(path.hasPrefix("/") ? path : notifier.project.root + "/" + path)
            return text.hasSuffix("\n") ? String(text.dropLast()) : text
        }
    }

    private func run(_ argv: [String], _ entry: OutboxEntry, _ timeout: Duration) -> String? {
        do {
            guard let child = try start(argv, entry) else { return "there is no program '\(argv[0])'" }
            guard let status = try child.wait(for: timeout) else {
                // Its session, whatever it has started in it.
                kill(-child.pid, SIGKILL)
                _ = try child.wait(until: nil)
                return "the program had not ended after \(timeout.forPeople), and was killed"
            }
            return switch status {
            case .exited(0): nil
            case .exited(let code): "the program ended with \(code)"
            case .signalled(let signal): "the program was ended by signal \(signal)"
            }
        } catch {
            return "\(error)"
        }
    }

    /// Both ends of the pipe are closed here when this returns, so that the program sees the end of its input.
    /// - Returns: nil when there is no such program.
    private func start(_ argv: [String], _ entry: OutboxEntry) throws -> Child? {
        let root = notifier.project.root
        let beside = argv[0].contains("/") && !argv[0].hasPrefix("/") ? root + "/" + argv[0] : argv[0]
        guard let program = Files.program(beside) else { return nil }
        let input = try Descriptor.pipe()
        // Smaller than a pipe holds (pipe(7)), so nobody waits for the program to read.
        try input.write.write(Array(entry.body.utf8.prefix(60_000)))
        var spawn = Spawn([program] + argv.dropFirst())
        spawn.input = .descriptor(input.read.number)
        spawn.directory = root
        spawn.newSession = true
        var environment = ProcessInfo.processInfo.environment
        environment["MUSTER_NOTICE_ID"] = entry.id
        environment["MUSTER_NOTICE_KIND"] = entry.kind.rawValue
        spawn.environment = environment.map { "\($0.key)=\($0.value)" }
        let child = try spawn.start()
        withExtendedLifetime(input) {}
        return child
    }
}
