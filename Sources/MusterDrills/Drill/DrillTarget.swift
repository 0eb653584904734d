public import MusterCore

/// A target as the drill names it; it becomes a `Target` once its fixture has an id.
public struct DrillTarget: Hashable, Sendable {
    public enum Selector: Hashable, Sendable {
        case fixture(String)
        case process(ProcessSelector)
        case path(String)
        case network(NetworkScope)
        case fixtureNetwork(String)
        case proxy(ProxyScope)
        case fixtureProxy(String)
        case host
    }
    public var name: String
    public var selector: Selector
    public var count: Int
    public var restart: [String]
    public var allow: Set<String>

    public init(
        name: String, selector: Selector, count: Int = 1, restart: [String] = [], allow: Set<String> = []
    ) {
        self.name = name
        self.selector = selector
        self.count = count
        self.restart = restart
        self.allow = allow
    }

    /// - Parameter fixtures: ids of the journal rows of the fixtures that run.
    public func target(fixtures: [String: InjectionID]) -> Target? {
        let resolved: Target.Selector?
        switch selector {
        case .fixture(let name): resolved = fixtures[name].map { .process(.fixture(name: name, $0)) }
        case .fixtureNetwork(let name): resolved = fixtures[name].map { .network(.fixture(name: name, $0)) }
        case .process(let selector): resolved = .process(selector)
        case .path(let path): resolved = .path(path)
        case .network(let scope): resolved = .network(scope)
        case .proxy(let scope): resolved = .proxy(scope)
        case .fixtureProxy(let name): resolved = fixtures[name].map { .proxy(.fixture(name: name, $0)) }
        case .host: resolved = .host
        }
        return resolved.map { Target($0, count: count, restart: restart, allow: allow) }
    }
}
