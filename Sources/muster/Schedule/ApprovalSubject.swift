import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterSystem

/// What an approval is bound to: what the drill of a schedule would execute, and what that would touch here.
struct ApprovalSubject {
    private let project: Project
    private let state: StateOptions

    init(project: Project, state: StateOptions = .standard) {
        self.project = project
        self.state = state
    }

    /// - Throws: `Refusal` when the drill cannot be read, or could not be carried out here as things are.
    func of(_ schedule: Schedule) throws -> Approval.Subject {
        let prepared = try DrillLoader(
            path: project.path(ofDrill: schedule.drill), variables: schedule.variables, state: state
        ).load(.approval)
        let plan = try DrillPlan(prepared)
        if let obstacle = plan.obstacle {
            throw Refusal(
                .refused,
                "'\(schedule.name)' cannot be approved: what it would touch is not known: \(obstacle.message)",
                advice: obstacle.advice)
        }
        let masked = Self.mask(plan.value["injections"]?.canonicalJSON ?? "", run: prepared.runID)
        let touched: Value = ["host": .text(HostNames.read().host), "injections": .text(masked)]
        return Approval.Subject(
            execHash: try prepared.execHash(), planHash: SHA256.hex(of: touched.canonicalJSON.utf8))
    }

    /// A plan without what is another one each time: the run's name, and numbers of processes and ports, which stand
    /// alone. What the drill's file says in numbers is part of the other hash.
    static func mask(_ text: String, run: String) -> String {
        let bytes = Array(text.replacing(run, with: "RUN").utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard isDigit(bytes[index]) else {
                result.append(bytes[index])
                index += 1
                continue
            }
            var end = index
            while end < bytes.count, isDigit(bytes[end]) { end += 1 }
            let isPartOfName =
                index > 0 && isPartOfWord(bytes[index - 1]) || end < bytes.count && isPartOfWord(bytes[end])
            result += isPartOfName ? Array(bytes[index..<end]) : [UInt8(ascii: "#")]
            index = end
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isPartOfWord(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte & 0xDF) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}

extension PreparedDrill {
    /// Of everything that is executed, as far as the drill names it: its file, the values of its variables, the steps of
    /// its runbooks, and files that stand in it, such as a fixture's script or configuration.
    /// - Throws: `Refusal` when one of them cannot be read.
    func execHash() throws -> String {
        var runbooks: [String: Value] = [:]
        var seen: Set<String> = []
        for step in runbookSteps {
            let path = try runbookPath(step.path)
            seen.insert(Self.standardized(path, project.root))
            runbooks[step.path] = .text(try Runbooks.read(path).execHash)
        }
        var files: [String: Value] = [:]
        for name in try named() {
            let path = Self.standardized(name, project.root)
            guard !seen.contains(path), let hash = try Self.hash(path) else { continue }
            files[name] = .text(hash)
        }
        let all: Value = [
            "drill": .text(text), "variables": .map(drill.variables.mapValues { .text($0) }),
            "runbooks": .map(runbooks), "files": .map(files),
        ]
        return SHA256.hex(of: all.canonicalJSON.utf8)
    }

    /// Every text of the file that may be a path, with the drill's variables in it.
    private func named() throws -> Set<String> {
        var found: Set<String> = []
        func gather(_ node: FormNode) {
            switch node.content {
            case .nothing: break
            case .scalar(let text):
                let whole = drill.variables.reduce(text) { $0.replacing("${\($1.key)}", with: $1.value) }
                if !whole.isEmpty, whole.utf8.count < 4096, !whole.contains("${") { found.insert(whole) }
            case .list(let list): for item in list { gather(item) }
            case .map(let entries): for entry in entries { gather(entry.value) }
            }
        }
        gather(try YamlText.tree(of: text))
        return found
    }

    private static func standardized(_ path: String, _ root: String) -> String {
        ((path.hasPrefix("/") ? path : root + "/" + path) as NSString).standardizingPath
    }

    /// - Returns: nil for what is no file. Of a large one, such as a program, only size and date count.
    private static func hash(_ path: String) throws -> String? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        if status.st_size > 16 << 20 { return ScheduleFile.mark(path) }
        return SHA256.hex(of: try Files.beginning(of: path, 16 << 20))
    }
}
