import Foundation
import MusterCore
import MusterDrills

/// Blocks that start or stop a drill's fixture work where a drill runs, and nowhere else.
enum FixtureBlocks {
    /// Found out before anything is begun or kept.
    /// - Throws: `Refusal` that names the drill to run instead.
    static func check(_ file: ProjectRunbook) throws {
        let items = file.runbook.steps + file.runbook.rollbacks
        guard FixtureSockets.read().isEmpty, let item = items.first(where: uses) else { return }
        let drills = drills(that: file)
        let other =
            drills.isEmpty
            ? "write a drill with a step `- runbook: \((file.path as NSString).lastPathComponent)`, and run that"
            : "run a drill that carries it out: "
                + drills.map { "muster run \($0)" }.joined(separator: ", or ")
        throw Refusal(
            .refused, "'\(item.name)' uses `muster fixture`, which works within a drill only",
            advice: other + "; for a real outage, put your own command in its place")
    }

    static func uses(_ item: RunbookItem) -> Bool {
        item.kind != .manual && item.body.contains(/(^|[^\w\-])muster\s+fixture\s/)
    }

    /// Drills of the project that have a step with this runbook, as they can be run from here.
    private static func drills(that file: ProjectRunbook) -> [String] {
        let folder = file.project.root + "/drills"
        let name = (file.path as NSString).lastPathComponent
        let all = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let found = all.sorted().filter { drill in
            guard drill.hasSuffix(".yaml"), let text = try? Files.text("\(folder)/\(drill)") else {
                return false
            }
            return text.split(separator: "\n").contains { line in
                let words = line.split(separator: " ")
                return words.count >= 3 && words[0] == "-" && ["runbook:", "restore:"].contains(words[1])
                    && (words[2] == name || words[2].hasSuffix("/" + name))
            }
        }
        return found.prefix(3).map { "drills/\($0)" }
    }
}
