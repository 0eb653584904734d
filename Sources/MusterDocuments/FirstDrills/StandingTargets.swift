public import MusterCore

/// What drills that stand already are aimed at.
public enum StandingTargets {
    /// The processes that a drill's targets name, with its variables left as they are; none where it cannot be read.
    public static func selectors(in text: String) -> [ProcessSelector] {
        guard let tree = try? YamlText.tree(of: text) else { return [] }
        return (tree["targets"]?.entries ?? []).compactMap { entry in
            guard let node = entry.value["process"] else { return nil }
            return (try? ProcessForm(node: node))?.selector
        }
    }
}
