import MusterCore
import MusterDrills

/// How the operations of one workload are told: entries as transactions on keys that are written once, registers as
/// reads and writes.
struct OperationForm {
    private let workload: String
    private let registers: JepsenHistory.Registers?
    private let plan: WorkloadPlan

    init(_ workload: JepsenHistory.Workload) {
        self.workload = workload.name
        registers = workload.registers
        plan = WorkloadPlan(
            mode: workload.registers == nil ? .entries : .register, keys: workload.registers?.keys ?? 1)
    }

    /// What a writer did under a number, as `:f` and what belongs to it.
    /// - Parameter isAnswered: a look that was answered says what it found.
    func call(_ key: EntryKey, isAnswered: Bool = false) -> String {
        guard plan.isRead(key) else {
            return registers == nil
                ? ":f :txn, :value [[:w \(name(key)) \(key.sequence)]]"
                : ":f :write, :key \(name(key)), :value \(key.sequence)"
        }
        switch isAnswered ? registers?.sights[key] : nil {
        case .version(let version): return read(key, "\(version)")
        case .other: return read(key, ":damaged")
        case .nothing, nil: return read(key, "nil")
        }
    }

    /// - Parameter key: of an entry, or of any write or look of a register.
    func read(_ key: EntryKey, _ value: String) -> String {
        registers == nil
            ? ":f :txn, :value [[:r \(name(key)) \(value)]]" : ":f :read, :key \(name(key)), :value \(value)"
    }

    private func name(_ key: EntryKey) -> String {
        let place = registers == nil ? "\(key.sequence)" : "r\(plan.register(of: key.sequence))"
        return EDN.string("\(workload)/\(key.stream)-\(place)")
    }

    /// What a pass found, a run for each thing that was read: entries as they are, and of each register the one
    /// version that it showed. One that showed nothing stands under its first version, as absent.
    func reading(_ found: JepsenHistory.Reading) -> JepsenHistory.Reading {
        guard let registers else { return found }
        var reading = found
        reading.runs = []
        for stream in Set(found.runs.map(\.stream)).sorted() {
            let runs = found.runs.filter { $0.stream == stream }
            reading.runs += (0..<registers.keys).map { shown(by: $0, of: stream, runs) }
        }
        return reading
    }

    private func shown(by register: Int, of stream: Int32, _ runs: [ReadRun]) -> ReadRun {
        // Every tenth operation is a look, so nine versions lie between two of them.
        let writes = WorkloadPlan.readEvery - 1
        let first = Int64(register) + 1 + Int64(register) / writes
        var shown = ReadRun(stream: stream, numbers: first...first, state: .absent)
        for run in runs where run.state != .absent {
            let version = run.numbers.last { !plan.isRead(stream, $0) && plan.register(of: $0) == register }
            guard let version else { continue }
            // What was not read in the last pass was read in one before, or never: then nobody knows.
            if run.state == .unread { return ReadRun(stream: stream, numbers: first...first, state: .unread) }
            if run.isPresent {
                shown = ReadRun(
                    stream: stream, numbers: version...version, state: run.state, count: run.count)
            }
        }
        return shown
    }
}

extension WorkloadPlan {
    fileprivate func isRead(_ stream: Int32, _ sequence: Int64) -> Bool {
        isRead(EntryKey(stream: stream, sequence: sequence))
    }
}
