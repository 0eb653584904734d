/// What each proxy has moved in each place where it listened: the counters of the metrics never go back, not
/// when a proxy is stopped, moved or removed.
struct TrafficLedger: Sendable {
    struct Key: Hashable, Sendable {
        var proxy: ExactText
        var listener: String
        var upstream: String
        var stream: Stream
    }

    /// Proxies that come and go for ever must not fill the memory: the oldest are forgotten beyond this.
    static let most = 10_000

    private(set) var sums: [Key: Traffic] = [:]
    private var order: [Key] = []

    mutating func add(_ traffic: [Traffic], of record: ProxyRecord) {
        for part in traffic where part.received > 0 || part.sent > 0 {
            let key = Key(record, part.stream)
            if sums[key] == nil {
                order.append(key)
                if order.count > Self.most { sums[order.removeFirst()] = nil }
            }
            sums[key, default: Traffic(stream: part.stream, received: 0, sent: 0)].add(part)
        }
    }
}

extension TrafficLedger.Key {
    init(_ record: ProxyRecord, _ stream: Stream) {
        self.init(
            proxy: record.name, listener: record.listen, upstream: record.upstream, stream: stream)
    }
}

extension Traffic {
    mutating func add(_ other: Traffic) {
        received += other.received
        sent += other.sent
    }
}

extension ProxyRegistry {
    /// What stopped and running proxies have moved, on links that are closed.
    func traffic() -> [TrafficLedger.Key: Traffic] {
        var sums = ledger.sums
        for record in proxies.all {
            for part in record.running?.traffic ?? [] where part.received > 0 || part.sent > 0 {
                sums[
                    TrafficLedger.Key(record, part.stream),
                    default: Traffic(stream: part.stream, received: 0, sent: 0)
                ].add(part)
            }
        }
        return sums
    }
}
