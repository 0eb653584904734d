/// Go takes a value for flags that are on or off, such as `-proxy-metrics=true`.
enum GoFlags {
    private static let switches = ["proxy-metrics", "runtime-metrics", "version"]

    static func rewrite(_ arguments: [String]) -> [String] {
        arguments.compactMap { argument in
            let parts = argument.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, switches.contains(String(parts[0].drop { $0 == "-" })) else {
                return argument
            }
            switch parts[1] {
            case "1", "t", "T", "true", "TRUE", "True": return String(parts[0])
            case "0", "f", "F", "false", "FALSE", "False": return nil
            default: return argument
            }
        }
    }
}
