import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterFaults
import MusterProbes
import MusterSystem

/// The files that would be written for the chosen services: all of them checked, none of them there yet.
struct InitDraft {
    private(set) var files: [NewFile] = []
    /// What stands already, or has to be done by hand; lines for people.
    private var remarks: [String] = []
    private let place: InitPlace
    private var drills: [FirstDrill] = []

    /// - Throws: `Refusal` when what stands there cannot be read.
    init(_ chosen: [InitFindings.Item], in place: InitPlace) throws {
        self.place = place
        let now = SystemTimekeeper().utcNanoseconds()
        let path = place.path(InitPlace.services)
        let standing = Files.exists(path) ? try Files.text(path) : nil
        let registry = standing.flatMap { try? Services(reading: $0, now: now) }
        for item in chosen {
            if let standing = item.standing {
                remarks.append("\(item.drill.name): \(standing) stands already, and is kept")
                continue
            }
            var drill = item.drill
            drill.inherits = registry?[drill.name] != nil
            drills.append(drill)
            files.append(NewFile(path: place.path(drill.drillPath), text: drill.drill))
            if Files.exists(place.path(drill.runbookPath)) {
                remarks.append("\(place.path(drill.runbookPath)) stands already, and is kept")
            } else {
                files.append(NewFile(path: place.path(drill.runbookPath), text: drill.runbook))
            }
        }
        let services = addServices(drills.filter { !$0.inherits }, standing, path, now)
        try check(services.flatMap { try? Services(reading: $0, now: now) }, now)
    }

    /// - Returns: the services file as it will be; nil when somebody has to change it by hand.
    private mutating func addServices(
        _ new: [FirstDrill], _ standing: String?, _ path: String, _ now: Int64
    ) -> String? {
        guard !new.isEmpty else { return standing }
        guard let standing else {
            let text = FirstDrill.services(new)
            files.append(NewFile(path: path, text: text))
            return text
        }
        if let text = ServicesEdit.adding(new, to: standing, now: now) {
            files.append(NewFile(path: path, text: text, replacing: standing))
            return text
        }
        remarks.append(
            "\(path) cannot be added to without changing more of it. Add this to its `services:` yourself:\n"
                + new.map { $0.entry() }.joined())
        return nil
    }

    /// What is written must read: a draft of ours that does not is a bug, and better found here than in a drill.
    private func check(_ services: Services?, _ now: Int64) throws {
        let reader = DrillReader(
            faults: .standard, probes: .standard, workloads: .standard, services: services, now: now)
        for drill in drills {
            let runbook = RunbookReader.examine(drill.runbook, fallbackTitle: drill.name) {
                SHA256.hex(of: $0.utf8)
            }
            let problems = reader.examine(drill.drill).errors + runbook.errors
            guard let first = problems.first else { continue }
            // Objectives of an entry that stands may be ones that this drill cannot live up to.
            throw Refusal(
                drill.inherits ? .usage : .internalError,
                "the drill for '\(drill.name)' would not read: \(first.message)",
                advice: "choose another --name, or report what `muster init --dry-run` prints")
        }
    }

    // MARK: For people

    func show() {
        for file in files {
            let what = file.original == nil ? "" : ", which stands already, with this added"
            Terminal.line(Terminal.styled("--- \(file.path)\(what)", .bold))
            Terminal.write(file.original.map { Self.added(to: $0, file.text) } ?? file.text)
            Terminal.line()
        }
        for remark in remarks { Terminal.line(remark) }
        if files.isEmpty { Terminal.line("Nothing is left to write.") }
    }

    private static func added(to original: String, _ text: String) -> String {
        let start = zip(original.utf8, text.utf8).prefix { $0 == $1 }.count
        return String(
            decoding: text.utf8.dropFirst(start).prefix(text.utf8.count - original.utf8.count), as: UTF8.self)
    }

    /// - Returns: the paths that were written.
    /// - Throws: `Refusal`; then nothing of it stands.
    func write() throws -> [String] { try NewFile.write(files) }

    func tell(_ written: [String]) {
        for path in written { Terminal.line("wrote \(path)") }
        for remark in remarks { Terminal.line(remark) }
        if written.isEmpty { Terminal.line("Nothing was left to write.") }
        guard let first = drills.first else { return }
        let drill = place.path(first.drillPath)
        Terminal.line(
            "\nread \(drills.count == 1 ? drill : "the drills"), and settle what says CONFIRM. Then: muster plan \(drill)"
        )
    }

    var value: Value {
        [
            "files": .list(files.map { ["path": .text($0.path), "text": .text($0.text)] }),
            "remarks": .list(remarks.map { .text($0) }),
        ]
    }
}
