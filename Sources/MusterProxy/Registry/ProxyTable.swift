/// The proxies by name. Keeps up to date what is asked of all of them together, so that one among thousands is changed
/// in the time that one takes.
struct ProxyTable: Sendable {
    private var records: [ExactText: ProxyRecord] = [:]
    /// When each has something to take away; those that have nothing are not in it.
    private var deadlines: [ExactText: Duration] = [:]
    /// Memory that proxies and toxics take as people described them, in bytes, about.
    private(set) var weight = 0

    var count: Int { records.count }
    var names: Dictionary<ExactText, ProxyRecord>.Keys { records.keys }
    var all: Dictionary<ExactText, ProxyRecord>.Values { records.values }

    subscript(name: ExactText) -> ProxyRecord? {
        get { records[name] }
        set {
            weight += (newValue?.weight ?? 0) - (records[name]?.weight ?? 0)
            deadlines[name] = newValue?.deadline
            records[name] = newValue
        }
    }

    /// When the next toxic or proxy has to go; nil: none has to.
    func nextDeadline(except names: Set<ExactText>) -> Duration? {
        deadlines.lazy.filter { !names.contains($0.key) }.map(\.value).min()
    }

    /// Those that have something to take away.
    func due(at now: Duration) -> [ExactText] { deadlines.filter { $0.value <= now }.map(\.key) }
}

/// What a description takes besides its texts, in bytes, about: measured, with what runs of it, for a proxy that does
/// not listen and for a toxic.
private enum Weight {
    static let proxy = 1024
    static let toxic = 1024
    static let item = 32
}

extension ProxyRecord {
    /// Memory, in bytes, about.
    var weight: Int {
        toxics.reduce(Weight.proxy + name.text.utf8.count + listen.utf8.count + upstream.utf8.count) {
            $0 + $1.weight
        }
    }

    fileprivate var deadline: Duration? {
        toxics.reduce(lifetime?.end) { earliest, toxic in
            guard let end = toxic.lifetime?.end else { return earliest }
            return earliest.map { min($0, end) } ?? end
        }
    }
}

extension ProxyDraft {
    /// As that of the record that it will be.
    var weight: Int {
        toxics.reduce(Weight.proxy + name.utf8.count + listen.utf8.count + upstream.utf8.count) {
            $0 + $1.toxic.weight(named: $1.name)
        }
    }
}

extension Toxic {
    /// Memory of a toxic with that name, in bytes, about.
    func weight(named name: String) -> Int {
        values.reduce(Weight.toxic + name.utf8.count) { sum, value in
            switch value.value {
            case .text(let text): sum + text.utf8.count
            case .list(let texts): texts.reduce(sum) { $0 + Weight.item + $1.utf8.count }
            case .integer, .number, .flag: sum
            }
        }
    }
}
