import MusterCore
import MusterDrills

/// Reads one writer's registers in a pass of the read-back. Belongs to its loop's thread.
final class RegisterReading {
    private let run: WorkloadRun
    private let stream: Int32
    private let client: any StoreClient
    private let last: Int64
    private let done: ([EntryKey: ReadBack.Found], _ unread: Set<EntryKey>, _ failure: String?) -> Void
    private static let tries = 3

    /// - Parameter last: the number of the writer's last operation.
    init(
        _ run: WorkloadRun, stream: Int32, _ client: any StoreClient, last: Int64,
        done: @escaping ([EntryKey: ReadBack.Found], Set<EntryKey>, String?) -> Void
    ) {
        self.run = run
        self.stream = stream
        self.client = client
        self.last = last
        self.done = done
    }

    func begin(tries: Int = RegisterReading.tries) {
        let keys = (0..<run.steps.plan.keys).map { run.names.register($0, of: stream) }
        client.values(keys, until: run.operationDeadline) { [self] answers in
            let failure = answers.compactMap { if case .failed(let why) = $0 { why } else { nil } }.first
            if failure != nil, tries > 1 {
                run.loop.at(monotonicNow() + .milliseconds(50)) { [self] in begin(tries: tries - 1) }
                return
            }
            finish(answers, failure)
        }
    }

    private func finish(_ answers: [ValueAnswer], _ failure: String?) {
        var found: [EntryKey: ReadBack.Found] = [:]
        var unread: Set<EntryKey> = []
        for (register, answer) in answers.enumerated() {
            switch answer {
            case .absent: break
            case .failed: unread.formUnion(versions(of: register))
            case .present(let texts):
                let versions = texts.map { text in
                    EntryPayload.key(of: text, seed: run.seed, bytes: Int(run.setting.payload.bytes))
                }
                let known = versions.compactMap(\.self).filter { $0.stream == stream }
                for key in known {
                    found[key] = ReadBack.Found(key: key, isIntact: true, count: known.count { $0 == key })
                }
                // What is no version at all stands in the place of the newest.
                if known.isEmpty, let newest = self.versions(of: register).max() {
                    found[newest] = ReadBack.Found(key: newest, isIntact: false)
                }
            }
        }
        done(found, unread, failure)
    }

    private func versions(of register: Int) -> [EntryKey] {
        let plan = run.steps.plan
        guard last > 0 else { return [] }
        return (1...last).map { EntryKey(stream: stream, sequence: $0) }
            .filter { !plan.isRead($0) && plan.register(of: $0.sequence) == register }
    }
}
