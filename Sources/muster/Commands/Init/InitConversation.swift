import Foundation
import MusterCore
import MusterDocuments
import MusterDrills

/// With a person at a terminal: which services, then whether to write what is shown.
struct InitConversation {
    let found: InitFindings
    let place: InitPlace

    func hold() throws -> Status {
        InitList(found).show(inTerminal: true)
        guard !found.items.isEmpty else { return .pass }
        guard let chosen = ask() else {
            Terminal.line("Nothing was written.")
            return .pass
        }
        let draft = try InitDraft(chosen, in: place)
        Terminal.line()
        draft.show()
        guard !draft.files.isEmpty else { return .pass }
        let count = draft.files.count
        guard confirms("Write \(count == 1 ? "this file" : "these \(count) files")? y or n [n]: ") else {
            Terminal.line("Nothing was written.")
            return .pass
        }
        draft.tell(try draft.write())
        return .pass
    }

    /// - Returns: nil for none.
    private func ask() -> [InitFindings.Item]? {
        while true {
            Terminal.write("\nFor which of them? Numbers such as 1,3-4, all, or none [none]: ")
            guard let line = readLine() else {
                Terminal.line()
                return nil
            }
            switch Self.numbers(line, upTo: found.items.count) {
            case .none:
                Terminal.line("'\(printable(line))' is no answer: 1 to \(found.items.count), all, or none")
            case .some([]): return nil
            case .some(let numbers): return numbers.map { found.items[$0 - 1] }
            }
        }
    }

    private func confirms(_ question: String) -> Bool {
        while true {
            Terminal.write(question)
            guard let line = readLine()?.lowercased().filter({ !$0.isWhitespace }) else {
                Terminal.line()
                return false
            }
            switch line {
            case "y", "yes": return true
            case "n", "no", "": return false
            default: Terminal.line("y or n")
            }
        }
    }

    /// - Returns: the numbers in order; empty for none; nil for what is no answer.
    static func numbers(_ line: String, upTo most: Int) -> [Int]? {
        let text = line.lowercased().filter { !$0.isWhitespace || $0 == " " }
        switch text.filter({ $0 != " " }) {
        case "", "none", "n", "q": return []
        case "all", "a": return Array(1...most)
        default: break
        }
        var found: Set<Int> = []
        for part in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
                first >= 1, last <= most, first <= last
            else { return nil }
            found.formUnion(first...last)
        }
        return found.sorted()
    }
}
