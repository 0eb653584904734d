import MusterCore

/// The ways in which toxics show themselves to a client.
extension ProxyObserver {
    /// The longest that one look may take: the engine asks again, and others wait for the guard's hands.
    static let longest = Duration.seconds(5)

    /// How much longer something takes than straight to the server, as far as a look can show it: one that ends without
    /// an answer has seen no more than that. What is delayed by hours is proven by the seconds that are waited for it.
    static func provable(_ least: Duration, without straight: Duration) -> Duration {
        min(least, (longest - straight) * 9 / 10)
    }

    /// What passes takes longer than straight to the server.
    /// - Parameter least: how much longer at least.
    func isSlower(by least: Duration, saying exchange: Exchange?, closesFirst: Bool = false) -> Effect {
        guard exchange != nil || closesFirst else { return unknown }
        guard least >= .microseconds(500) else {
            return .notYet("\(least.forPeople) cannot be told from what any round trip takes")
        }
        let straight = lookStraight(exchange, within: .seconds(2), closesFirst: closesFirst)
        let wanted: Sighting.Ending = closesFirst ? .closed : .answered
        if let straight, straight.ending != wanted {
            return .notYet("straight to the server: \(straight.inWords)")
        }
        let without = straight?.ended ?? .zero
        let least = Self.provable(least, without: without)
        let patience = min(Self.longest, without + least * 2 + .milliseconds(500))
        guard let seen = look(exchange, within: patience, closesFirst: closesFirst).first else {
            return unknown
        }
        let comparison = straight.map { ", \($0.ended.forPeople) without it" } ?? ""
        switch seen.ending {
        case wanted where seen.ended - without >= least, .silent where seen.ended - without >= least:
            return .proven("\(seen.inWords) through the proxy\(comparison)")
        default: return .notYet("\(seen.inWords) through the proxy\(comparison)")
        }
    }

    /// Nothing comes through, while the server itself answers.
    /// - Parameter forGood: the connection must stay, too.
    func isSilent(saying exchange: Exchange?, forGood: Bool = false) -> Effect {
        guard let exchange else { return unknown }
        let straight = lookStraight(exchange, within: .seconds(2))
        if let straight, straight.ending != .answered {
            return .notYet("straight to the server: \(straight.inWords)")
        }
        let patience = min(Self.longest, (straight?.ended ?? .milliseconds(200)) * 5 + .milliseconds(300))
        guard let seen = look(exchange, within: patience).first else { return unknown }
        // One that closes in the end has let nothing through either.
        let endings: Set<Sighting.Ending> = forGood ? [.silent] : [.silent, .closed]
        let nothing = seen.bytes.isEmpty && seen.connected != nil && endings.contains(seen.ending)
        let words =
            "\(seen.inWords) through the proxy"
            + (straight.map { ", \($0.inWords) without it" } ?? "")
        return nothing ? .proven(words) : .notYet(words)
    }

    /// The connection ends before the answer is whole. Where that takes longer than a look, it is enough that nothing
    /// comes until then.
    /// - Parameters:
    ///   - endings: how it may end.
    ///   - limit: how long that may take.
    func isCut(_ endings: Set<Sighting.Ending>, saying exchange: Exchange?, within limit: Duration) -> Effect
    {
        guard let exchange else { return unknown }
        let straight = lookStraight(exchange, within: .seconds(2))
        if let straight, straight.ending != .answered {
            return .notYet("straight to the server: \(straight.inWords)")
        }
        guard let seen = look(exchange, within: min(Self.longest, limit)).first else { return unknown }
        if limit > Self.longest, seen.ending == .silent, seen.connected != nil, seen.bytes.isEmpty {
            return .proven("\(seen.inWords) through the proxy; its end comes later than a look may last")
        }
        return endings.contains(seen.ending)
            ? .proven("\(seen.inWords) through the proxy, instead of an answer")
            : .notYet("\(seen.inWords) through the proxy")
    }

    /// Nobody gets in.
    func isRefused() -> Effect {
        guard let seen = look(nil, within: .milliseconds(500)).first else { return unknown }
        return [.refused, .reset].contains(seen.ending)
            ? .proven(seen.inWords) : .notYet("a connection to \(entrance.text) stands")
    }

    /// After so many connections, the next one gets nothing.
    func isFull(after limit: Int) -> Effect {
        guard let exchange = exchange() else { return unknown }
        guard limit <= 256 else {
            return .notYet("a limit of \(limit) connections is more than a look opens (256)")
        }
        let seen = look(exchange, within: .seconds(2), atOnce: limit + 1)
        guard let last = seen.last, last.ending != .answered else {
            return .notYet("\(seen.count) connections at once are answered")
        }
        if case .impossible(let why) = last.ending { return .notYet(why) }
        return .proven("\(seen.count - 1) connections more are answered, of the next one: \(last.inWords)")
    }

    /// What comes is not what was sent.
    func isDamaged(saying exchange: Exchange?) -> Effect {
        guard let exchange, let expected = exchange.expected else {
            return .notYet(
                "damage is only seen in answers that are known beforehand: give `speaks: redis`")
        }
        if let straight = lookStraight(exchange, within: .seconds(2)), straight.bytes != expected {
            return .notYet("straight to the server it is not answered as expected: \(straight.inWords)")
        }
        guard let seen = look(exchange, within: .seconds(1)).first else { return unknown }
        let wrong = zip(seen.bytes, expected).count { $0 != $1 }
        // A server that was sent damaged words says so instead.
        guard wrong > 0 || seen.bytes.count > expected.count else {
            return .notYet("\(seen.bytes.count) bytes of an answer came as they should")
        }
        return .proven("\(wrong) of \(expected.count) bytes of an answer were not as they should be")
    }

    /// The answer comes in more pieces, or later, than straight from the server.
    func isInPieces(saying exchange: Exchange?) -> Effect {
        guard let exchange else { return unknown }
        let straight = lookStraight(exchange, within: .seconds(2))
        if let straight, straight.ending != .answered {
            return .notYet("straight to the server: \(straight.inWords)")
        }
        guard let seen = look(exchange, within: Self.longest).first else { return unknown }
        let words =
            "the answer came in \(seen.pieces) pieces through the proxy"
            + (straight.map { ", in \($0.pieces) without it" } ?? "")
        return seen.pieces > max(1, straight?.pieces ?? 1) ? .proven(words) : .notYet(words)
    }
}
