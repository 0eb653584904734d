import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterProbes

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "The history of an outcome's writes and faults, for other tools to judge.",
        discussion: """
            As EDN it is a history in Jepsen's form. Elle judges entries as rw-register; registers (mode: register)
            are for checkers of linearizability, such as Knossos, and Porcupine through an adapter.
            Example: muster export 3 --format edn --output history.edn
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case edn
    }

    @Argument(help: "The outcome's number (default: the newest).") var number: Int?
    @Option(help: "edn: Jepsen's history, an operation a line.") var format = Format.edn
    @Option(help: "Only this workload's writes (default: all).") var workload: String?
    @Flag(help: "Also what replicas answered, each read with its :node.") var replicas = false
    @Option(name: .shortAndLong, help: "Where to (default: standard output).") var output: String?
    @OptionGroup var store: StoreOptions

    func run() throws {
        try carryOut {
            let outcome = try OutcomeFinder.find(number, in: store.open(), withSamples: false)
            let history = JepsenHistory(
                start: outcome.header.startedAt, workloads: try workloads(of: outcome),
                events: outcome.events)
            let sink = try LineSink(output)
            let count = try history.write(sink.write)
            try sink.finish()
            if let output { Terminal.line("\(count) operations in \(ReportFiles.shown(output))") }
            return .pass
        }
    }

    private func workloads(of outcome: Outcome) throws -> [JepsenHistory.Workload] {
        let kept = outcome.events.filter { $0.kind == .readBack && !$0.subject.isEmpty }
        let names = kept.map(\.subject)
        guard !kept.isEmpty else {
            throw Refusal(
                .usage, "outcome \(outcome.number) has no ledger",
                advice: "the drill has no workload, or its run ended before the ledger was complete")
        }
        if let workload, !names.contains(workload) {
            throw Refusal(
                .usage, "outcome \(outcome.number) has no workload '\(workload)'",
                advice: "it has " + names.joined(separator: ", "))
        }
        return try kept.filter { workload == nil || $0.subject == workload }.map { event in
            guard let path = try KeptLedger.file("ledger", of: event.detail, outcome: outcome.number) else {
                throw Refusal(
                    .usage,
                    "outcome \(outcome.number) does not say where the ledger of '\(event.subject)' lies",
                    advice: "it could not be read when the run ended")
            }
            let ledger = try RecoveredLedger.read(path)
            let registers = try registers(of: event, ledger)
            var readings: [JepsenHistory.Reading] = []
            if let path = try KeptLedger.file("readback", of: event.detail, outcome: outcome.number) {
                let file = try ReadBackFile.read(path)
                let readers = replicas ? file.readers[...] : file.readers.prefix(1)
                readings = readers.enumerated().compactMap { index, reader in
                    reader.time.map {
                        JepsenHistory.Reading(
                            node: index == 0 ? nil : reader.name, time: $0, runs: reader.runs)
                    }
                }
            }
            return JepsenHistory.Workload(
                name: event.subject, entries: ledger.entries, readings: readings, registers: registers)
        }
    }

    /// - Returns: nil for plain entries.
    private func registers(of event: Event, _ ledger: RecoveredLedger) throws -> JepsenHistory.Registers? {
        guard let writes = event.detail["writes"]?.asText else { return nil }
        guard writes == "mode: register" else {
            throw Refusal(
                .usage,
                "the workload '\(event.subject)' has \(writes): of that no history can be exported yet",
                advice:
                    "only plain entries and mode: register can be exported; name another workload with --workload"
            )
        }
        let registers = event.detail["keys"]?.asInt.map {
            JepsenHistory.Registers(keys: max(1, Int($0)), sights: ledger.sights)
        }
        guard let registers, registers.coversLooks(of: ledger.entries) else {
            throw Refusal(
                .usage, "the ledger of '\(event.subject)' does not say what its looks at registers found",
                advice: "an earlier version of Muster wrote it; run the drill again")
        }
        return registers
    }
}

/// Lines to a file or to standard output, in large pieces. A file stands under its name only when it is whole.
private final class LineSink {
    private let handle: FileHandle
    private let path: String?
    /// Where the lines go until all are there; nil for standard output, a device or a pipe.
    private let part: String?
    private var buffer = Data()

    /// - Throws: `Refusal` when the file cannot be made.
    init(_ path: String?) throws {
        self.path = path
        guard let path else {
            handle = .standardOutput
            part = nil
            return
        }
        var status = stat()
        // A device or a pipe stays what it is, as with a shell's `>`; a link's file is written where it lies.
        let isPlain = lstat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
        part = isPlain ? path + ".part" : nil
        let descriptor = open(part ?? path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw Refusal(
                .usage, "\(path) cannot be written: \(String(cString: strerror(errno)))",
                advice: "name a file in a folder that exists and is yours")
        }
        handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    deinit {
        // Gone already once it has its name.
        if let part { unlink(part) }
    }

    func write(_ line: String) throws {
        buffer.append(contentsOf: line.utf8)
        buffer.append(10)
        if buffer.count > 1 << 20 { try flush() }
    }

    func finish() throws {
        try flush()
        if path != nil { try handle.close() }
        if let part, let path, rename(part, path) != 0 { throw problem() }
    }

    private func flush() throws {
        var rest = buffer[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.write(handle.fileDescriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw problem()
            }
            rest = rest.dropFirst(count)
        }
        buffer.removeAll(keepingCapacity: true)
    }
    private func problem() -> Refusal {
        Refusal(
            .usage, "\(path ?? "standard output") cannot be written: \(String(cString: strerror(errno)))",
            advice: "make room, or name another file")
    }
}
