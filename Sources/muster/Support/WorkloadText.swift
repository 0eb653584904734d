import MusterCore
import MusterDrills

extension DrillWorkload {
    /// What is written, and where, for people: `sqlite /srv/app/app.db, mode: bank`.
    var inWords: String {
        let place = WorkloadCatalog.encode(workload)[kind]?.asText.map { " " + $0 } ?? ""
        let mode = setting.mode == .entries ? "" : ", mode: \(setting.mode.rawValue)"
        let deletes = setting.deletes.millionths == 0 ? "" : ", deletes: \(setting.deletes.unitsText)"
        return kind + place + mode + deletes
    }
}
