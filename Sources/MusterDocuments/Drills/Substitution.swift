import MusterCore

/// Replaces `${…}` in the text of a tree. Done on the tree and not on the file, so that no value can become
/// syntax.
struct Substitution {
    let variables: [String: String]
    let resources: DrillResources
    /// The secrets that were read, to be kept out of everything that is shown or stored.
    private(set) var secrets: Set<String> = []
    private(set) var problems: [FormProblem] = []
    private var ports: [String: String] = [:]

    init(variables: [String: String], resources: DrillResources) {
        self.variables = variables
        self.resources = resources
    }

    /// - Parameter path: keys from the root; positions in lists are left out.
    mutating func replace(in node: FormNode, path: [String] = []) -> FormNode {
        switch node.content {
        case .nothing: return node
        case .scalar(let text):
            if Self.isPassword(path), !Self.isSecret(text) {
                refuse(
                    "a \(path[2]) in the drill would be stored and shown", node.place, path,
                    "\"${file:PATH}\" or \"${env:NAME}\"")
            }
            if path.count == 3, path[0] == "alertSources", path[2] == "tokenFile",
                !text.hasPrefix("${scratch}/")
            {
                refuse(
                    "the token would stay there after the run", node.place, path, "\"${scratch}/alert-token\""
                )
            }
            guard text.contains("${") || text.contains("://") else { return node }
            let replaced = text.contains("${") ? expand(text, node.place, path) : text
            if holdsPasswordInURL(replaced) { refusePassword(node.place, path) }
            return FormNode(.scalar(replaced), place: node.place)
        case .list(let list):
            return FormNode(.list(list.map { replace(in: $0, path: path) }), place: node.place)
        case .map(let entries):
            let replaced = entries.map { entry in
                // What a variable may hold is text of the drill's author, not an expression.
                if path.isEmpty, entry.key == "vars" {
                    refusePasswords(inVariables: entry.value)
                    return entry
                }
                return FormNode.Entry(
                    key: entry.key, keyPlace: entry.keyPlace,
                    value: replace(in: entry.value, path: path + [entry.key]))
            }
            return FormNode(.map(replaced), place: node.place)
        }
    }

    private mutating func expand(_ text: String, _ place: Place?, _ path: [String]) -> String {
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                result += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else {
                    refuse("'${' without a closing '}'", place, path, "${name}, or $${ for the text itself")
                    return text
                }
                let word = String(rest[..<end].dropFirst(2))
                result += value(of: word, place, path) ?? "${\(word)}"
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    private mutating func value(of word: String, _ place: Place?, _ path: [String]) -> String? {
        let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        if parts.count == 1 {
            if word == "scratch" { return attempt(place, path, resources.scratch) }
            if let value = variables[word] { return value }
            let known = variables.keys.sorted()
            refuse(
                "unknown variable '\(word)'", place, path,
                (known + ["scratch", "port:NAME", "env:NAME", "file:PATH"]).map { "${\($0)}" }
                    .joined(separator: ", "),
                nearest: nearestWord(to: word, among: known + ["scratch"]))
            return nil
        }
        switch parts[0] {
        case "port":
            if let problem = nameProblem(parts[1], place) {
                problems.append(problem)
                return nil
            }
            if ports[parts[1]] == nil {
                let reserve = resources.port
                ports[parts[1]] = attempt(place, path) { String(try reserve(parts[1])) }
            }
            return ports[parts[1]]
        case "env", "file": return secret(parts[0], parts[1], place, path)
        default:
            refuse(
                "unknown source '\(parts[0])' in '${\(word)}'", place, path, "port:, env: or file:",
                nearest: nearestWord(to: parts[0], among: ["port", "env", "file"]))
            return nil
        }
    }

    private mutating func secret(_ source: String, _ name: String, _ place: Place?, _ path: [String])
        -> String?
    {
        guard Self.mayHoldSecret(path) else {
            refuse(
                "a secret, '${\(source):\(name)}', would be stored and shown here", place, path,
                "secrets only in headers, body and password of probes and workloads, in env of workloads, and in headers and token of alert sources"
            )
            return nil
        }
        let value: String?
        if source == "env" {
            value = resources.environment(name)
            if value == nil {
                refuse("the environment variable '\(name)' is not set", place, path, "export \(name)=…")
            }
        } else {
            let read = resources.file
            value = attempt(place, path) { try read(name) }
        }
        if let value, !value.isEmpty { secrets.insert(value) }
        return value
    }

    /// `probes.NAME.headers.…`, `.body`, `.password`; the same of workloads, and their environment.
    static func mayHoldSecret(_ path: [String]) -> Bool {
        guard path.count >= 3 else { return false }
        switch path[0] {
        case "alertSources": return ["token", "headers"].contains(path[2])
        case "datasets": return path[2] == "password"
        case "probes": return ["headers", "body", "password"].contains(path[2])
        case "workloads": return ["headers", "body", "password", "env", "environment"].contains(path[2])
        default: return false
        }
    }

    /// `probes.NAME.password`, and the same of workloads and datasets; `alertSources.NAME.token`.
    private static func isPassword(_ path: [String]) -> Bool {
        if path.count == 3, path[0] == "alertSources" { return path[2] == "token" }
        return path.count == 3 && path[2] == "password"
            && ["probes", "workloads", "datasets"].contains(path[0])
    }

    /// Nothing but one value that is read from elsewhere.
    private static func isSecret(_ text: String) -> Bool {
        (text.hasPrefix("${env:") || text.hasPrefix("${file:")) && text.hasSuffix("}")
            && text.count(where: { $0 == "}" }) == 1
    }

    private mutating func refusePassword(_ place: Place?, _ path: [String]) {
        refuse(
            "a password inside a URL", place, path,
            "the URL without it; a header with ${env:NAME} or ${file:PATH} instead")
    }

    /// A variable that nobody uses is stored with the drill as well.
    private mutating func refusePasswords(inVariables node: FormNode) {
        switch node.content {
        case .nothing: break
        case .scalar(let text): if holdsPasswordInURL(text) { refusePassword(node.place, ["vars"]) }
        case .list(let list): for item in list { refusePasswords(inVariables: item) }
        case .map(let entries): for entry in entries { refusePasswords(inVariables: entry.value) }
        }
    }

    private mutating func attempt(_ place: Place?, _ path: [String], _ body: () throws -> String) -> String? {
        do { return try body() } catch {
            refuse("\(error)", place, path, nil)
            return nil
        }
    }

    private mutating func refuse(
        _ message: String, _ place: Place?, _ path: [String], _ expected: String?, nearest: String? = nil
    ) {
        problems.append(
            FormProblem(
                message, at: place, path: path.joined(separator: "."), expected: expected, nearest: nearest))
    }
}
