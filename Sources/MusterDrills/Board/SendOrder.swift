import MusterCore

/// Puts samples of one probe or writer, which come in the order in which they were over, into the order of sending, which
/// is what rules about outages want. The newest wait until nothing can come before them any more.
struct SendOrder: Sendable {
    /// In the order of sending.
    private(set) var waiting: [Sample] = []
    private let horizon: Duration

    /// - Parameter timeout: the longest that a sample can be under way.
    init(timeout: Duration) { horizon = timeout + .seconds(2) }

    /// - Returns: those that nothing can come before any more, in the order of sending.
    mutating func add(_ sample: Sample) -> [Sample] {
        var index = waiting.count
        while index > 0, sample.started < waiting[index - 1].started { index -= 1 }
        waiting.insert(sample, at: index)
        guard let first = waiting.first, sample.started - first.started > horizon * 2 else { return [] }
        let old = waiting.firstIndex { $0.started > sample.started - horizon } ?? 0
        defer { waiting.removeFirst(old) }
        return Array(waiting[..<old])
    }
}
