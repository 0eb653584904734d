import MusterCore
public import MusterDrills
import MusterSystem

/// Reads the datasets of a drill before the fault and after the recovery, and compares them. Used by one thread at a time.
public final class DatasetTaker {
    private let datasets: [DrillDataset]
    private let names: KeyNames
    private let ownTables: Set<String>
    private let directory: String
    private var passes: [String: DatasetPass] = [:]

    /// - Parameters:
    ///   - workloads: of the run; they make tables where there are none.
    ///   - run: whose entries are accounted for by its ledger.
    ///   - directory: where indices of rows are kept, in files without names, for as long as this lives.
    public init(
        _ datasets: [DrillDataset], workloads: [DrillWorkload] = [], run: String, directory: String
    ) {
        self.datasets = datasets
        names = KeyNames(run: run)
        ownTables = Set(workloads.compactMap { ($0.workload as? SQLiteWorkload)?.table })
        self.directory = directory
    }

    /// One reading, for people.
    public struct Reading: Sendable {
        public var dataset: String
        public var extent: DatasetExtent
    }

    /// Reads all of them for the first time.
    /// - Returns: why one could not be read, or changed while it was; nil when nothing is wrong.
    public func takeBefore(isCancelled: @escaping () -> Bool, note: (Reading) -> Void) -> String? {
        do {
            if !datasets.isEmpty { try EngineHost.makeDirectory(directory) }
        } catch {
            return "there is no place for an index of rows: \(error)"
        }
        for dataset in datasets {
            let (pass, failure) = read(dataset, after: nil, ledger: nil, isCancelled)
            if let problem = failure?.reason ?? pass?.problems.first {
                return "the dataset '\(dataset.name)' cannot be read: \(problem)"
            }
            passes[dataset.name] = pass
            if let pass { note(Reading(dataset: dataset.name, extent: pass.extent)) }
        }
        return nil
    }

    /// Reads all of them again.
    /// - Parameters:
    ///   - ledger: what the run wrote meanwhile.
    ///   - gone: why there is nothing to be read any more; nil when there is.
    public func takeAfter(
        ledger: Ledger?, gone: String? = nil, isCancelled: @escaping () -> Bool, note: (Reading) -> Void
    ) -> [DatasetFindings] {
        datasets.map { dataset in
            var findings = DatasetFindings(name: dataset.name, kind: dataset.kind)
            guard let before = passes[dataset.name] else {
                findings.problems = ["it was not read before the fault"]
                findings.conclude()
                return findings
            }
            findings.before = before.extent
            if let gone {
                findings.problems = [gone]
                findings.conclude()
                return findings
            }
            let (pass, failure) = read(dataset, after: before, ledger: ledger, isCancelled)
            if let failure, failure.isGone {
                findings.structure = ["it is gone"]
                findings.missing = before.extent.items
            } else if let failure {
                findings.problems = ["it could not be read after the recovery: \(failure.reason)"]
            } else if let pass {
                findings.after = pass.extent
                note(Reading(dataset: dataset.name, extent: pass.extent))
                DatasetComparison(before: before, after: pass, ownTables: ownTables).run(into: &findings)
            }
            findings.conclude()
            return findings
        }
    }

    private func read(
        _ dataset: DrillDataset, after earlier: DatasetPass?, ledger: Ledger?,
        _ isCancelled: @escaping () -> Bool
    ) -> (DatasetPass?, DatasetFailure?) {
        guard let readable = dataset.dataset as? any ReadableDataset else {
            return (nil, DatasetFailure("'\(dataset.kind)' is no kind of dataset that can be read"))
        }
        let pass: DatasetPass
        do throws(SystemError) {
            pass = try DatasetPass(
                after: earlier, names, ledger: ledger, directory: directory, within: dataset.setting.within,
                isCancelled: isCancelled)
        } catch {
            return (nil, DatasetFailure("there is no place for an index of its rows: \(error)"))
        }
        do throws(DatasetFailure) {
            try readable.read(into: pass)
            pass.finish()
            return (pass, nil)
        } catch {
            return (nil, error)
        }
    }
}

extension DatasetCatalog {
    /// Every kind of dataset there is.
    public static let standard = DatasetCatalog([
        FilesDataset.self, PostgresDataset.self, SQLiteDataset.self,
    ])
}
