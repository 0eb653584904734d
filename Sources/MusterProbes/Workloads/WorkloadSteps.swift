import MusterCore
import MusterDrills

/// Carries out what the plan of a workload says that each write is, and watches its invariants meanwhile. Belongs
/// to its loop's thread.
final class WorkloadSteps {
    let plan: WorkloadPlan
    private let names: KeyNames
    private let payloadBytes: Int
    private var watch = RegisterWatch()
    private var broken: [String] = []
    private var brokenBeyond = 0

    /// More than these say nothing new.
    private static let limit = 100

    init(_ plan: WorkloadPlan, _ names: KeyNames, payloadBytes: Int) {
        self.plan = plan
        self.names = names
        self.payloadBytes = payloadBytes
    }

    /// Invariants that were seen broken, in words.
    var violations: [String] {
        brokenBeyond == 0 ? broken : broken + ["and \(brokenBeyond) more while it ran"]
    }

    func perform(
        _ key: EntryKey, by client: any StoreClient, until deadline: Instant,
        done: @escaping (WriteAnswer) -> Void
    ) {
        switch plan.operation(key) {
        case .put: client.put(names.name(key), value(of: key), until: deadline, done: done)
        case .delete(let target): client.delete(names.name(target), until: deadline, done: done)
        case .set(let register):
            client.set(names.register(register, of: key.stream), value(of: key), until: deadline) {
                [self] answer in
                if answer.outcome == .ok || answer.outcome == .okWithWarning {
                    watch.acknowledged(stream: key.stream, register: register, version: key.sequence)
                }
                done(answer)
            }
        case .readRegister(let register):
            var sight: RegisterSight?
            look(
                at: [names.register(register, of: key.stream)], client, until: deadline,
                { answer in
                    var answer = answer
                    answer.sight = sight
                    done(answer)
                },
                { [self] answers in
                    sight = self.sight(answers[0], of: key.stream)
                    return judge(sight, register, of: key.stream)
                })
        case .transfer(let from, let to, let amount):
            let transfer = BankTransfer(
                from: names.account(from), to: names.account(to), amount: amount, negative: plan.bank.negative
            )
            client.transfer(transfer, names.name(key), value(of: key), until: deadline, done: done)
        case .readAccounts:
            look(at: names.accounts(plan.bank), client, until: deadline, done) { [self] answers in
                let balances = answers.compactMap(InvariantBank.Balance.init)
                return InvariantBank.violation(of: plan.bank, balances)
            }
        }
    }

    private func value(of key: EntryKey) -> String {
        EntryPayload.make(key, seed: plan.seed, bytes: payloadBytes)
    }

    /// A look that is answered is good for the service, whatever it shows: what it shows is judged apart.
    private func look(
        at keys: [String], _ client: any StoreClient, until deadline: Instant,
        _ done: @escaping (WriteAnswer) -> Void, _ judge: @escaping ([ValueAnswer]) -> String?
    ) {
        client.values(keys, until: deadline) { [self] answers in
            let isAnswered = answers.allSatisfy { if case .failed = $0 { false } else { true } }
            guard isAnswered else { return done(.refused(SampleCode.readFailed)) }
            guard let violation = judge(answers) else { return done(.acknowledged()) }
            note(violation)
            done(.acknowledged(SampleCode.invariantBroken))
        }
    }

    /// nil when the register could not be read.
    private func sight(_ answer: ValueAnswer, of stream: Int32) -> RegisterSight? {
        switch answer {
        case .failed: return nil
        case .absent: return .nothing
        case .present(let texts):
            guard texts.count == 1,
                let key = EntryPayload.key(of: texts[0], seed: plan.seed, bytes: payloadBytes),
                key.stream == stream, key.sequence > 0
            else { return .other }
            return .version(key.sequence)
        }
    }

    private func judge(_ sight: RegisterSight?, _ register: Int, of stream: Int32) -> String? {
        switch sight {
        case nil: nil
        case .nothing: watch.saw(stream: stream, register: register, version: nil)
        case .version(let version): watch.saw(stream: stream, register: register, version: version)
        case .other: "register \(register) of writer \(stream) held what was never written"
        }
    }

    private func note(_ violation: String) {
        if broken.count < Self.limit { broken.append(violation) } else { brokenBeyond += 1 }
    }

    /// What there must be before the first write: the accounts.
    /// - Parameter done: nil when it is there; else why not.
    func prepare(_ client: any StoreClient, until deadline: Instant, done: @escaping (String?) -> Void) {
        guard plan.mode == .bank else { return done(nil) }
        client.openAccounts(
            names.accounts(plan.bank), balance: Int64(plan.bank.balance), until: deadline
        ) { answer in
            done(answer.outcome == .ok ? nil : SampleCode.inWords(answer.finding.code))
        }
    }

    /// What a read-back has to look at beside the entries.
    /// - Parameter done: what proves damage, in words; nil when it could not be told.
    func examine(_ client: any StoreClient, until deadline: Instant, done: @escaping ([String]?) -> Void) {
        client.examine(until: deadline) { [self] found in
            guard plan.mode == .bank, let found else { return done(found) }
            client.values(names.accounts(plan.bank), until: deadline) { [self] answers in
                let balances = answers.compactMap(InvariantBank.Balance.init)
                guard balances.count == answers.count else { return done(nil) }
                done(found + [InvariantBank.violation(of: plan.bank, balances)].compactMap(\.self))
            }
        }
    }
}
