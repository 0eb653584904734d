public import MusterCore

/// When the clocks of a place say what: the offsets from UTC, and the instants at which they change.
///
/// A value that was read once; it knows nothing of files, and answers the same for ever.
public struct ZoneRules: Sendable {
    /// As IANA spells it, such as `Europe/Berlin`.
    public let name: String
    /// Instants at which the offset changes, ascending; seconds since 1970 UTC.
    private let changes: [Int64]
    /// The offset, in seconds east of UTC, from the change of the same index on.
    private let offsets: [Int32]
    /// The offset before the first change.
    private let first: Int32
    /// From here on the calendar repeats every 400 years; nil when nothing changes any more.
    private let repeatsFrom: Int64?

    /// 400 years of the Gregorian calendar, which are a whole number of weeks.
    static let cycle: Int64 = 146_097 * 86_400

    /// UTC itself.
    public static let utc = ZoneRules(name: "UTC", first: 0, changes: [], repeats: false)

    /// - Parameters:
    ///   - first: the offset before the first change, in seconds east of UTC.
    ///   - changes: ascending.
    ///   - repeats: whether the last 400 years of the changes repeat for ever.
    init(name: String, first: Int32, changes: [(at: Int64, offset: Int32)], repeats: Bool) {
        self.name = name
        self.first = first
        self.changes = changes.map(\.at)
        offsets = changes.map(\.offset)
        // A year before the end, so that the changes around any instant are among those that are known.
        repeatsFrom = repeats ? changes.last.map { $0.at - 400 * 86_400 } : nil
    }

    /// Seconds east of UTC.
    public func offset(at moment: Moment) -> Int64 {
        offset(ofSegment: segment(at: moment.seconds - shift(moment.seconds)))
    }

    /// What the clocks show.
    public func local(at moment: Moment) -> LocalTime {
        LocalTime(seconds: moment.seconds + offset(at: moment))
    }

    /// The first change of the offset after `moment`; nil when there is none any more.
    public func change(after moment: Moment) -> Moment? {
        let shift = shift(moment.seconds)
        let index = segment(at: moment.seconds - shift)
        return index < changes.count ? Moment(seconds: changes[index] + shift) : nil
    }

    /// What a local time means.
    public enum Meaning: Hashable, Sendable {
        case once(Moment)
        /// The clocks skip it: they are put forward at `end`, which is the first instant after the gap.
        case gap(end: Moment)
        /// The clocks show it again after they have been put back.
        case twice(first: Moment, second: Moment)
    }

    /// - Returns: what `local` means here, whatever the width of a gap or an overlap is (Lord Howe: 30 minutes;
    ///   Samoa in 2011: a day).
    public func meaning(of local: LocalTime) -> Meaning {
        let shift = shift(local.seconds)
        let wanted = local.seconds - shift
        var found: (first: Int64, second: Int64?)?
        // RFC 9636, 3.2: offsets lie between -25 and +26 hours.
        var index = segment(at: wanted - 26 * 3600)
        while index == 0 || index <= changes.count && changes[index - 1] <= wanted + 25 * 3600 {
            let instant = wanted - offset(ofSegment: index)
            let begins = index == 0 ? Int64.min : changes[index - 1]
            let ends = index < changes.count ? changes[index] : Int64.max
            if instant >= begins, instant < ends {
                if let earlier = found {
                    found = (earlier.first, earlier.second ?? instant)
                } else {
                    found = (instant, nil)
                }
            }
            index += 1
        }
        switch found {
        case (let first, nil)?: return .once(Moment(seconds: first + shift))
        case (let first, let second?)?:
            return .twice(first: Moment(seconds: first + shift), second: Moment(seconds: second + shift))
        case nil: return .gap(end: Moment(seconds: endOfGap(wanted) + shift))
        }
    }

    /// One instant for a local time: the end of a gap for one that is skipped, the first pass of one that is shown
    /// twice.
    public func moment(of local: LocalTime) -> Moment {
        switch meaning(of: local) {
        case .once(let moment), .gap(let moment), .twice(let moment, _): moment
        }
    }

    private func endOfGap(_ wanted: Int64) -> Int64 {
        var index = segment(at: wanted - 26 * 3600)
        while index < changes.count {
            let change = changes[index]
            if wanted < change + offset(ofSegment: index + 1), wanted >= change + offset(ofSegment: index) {
                return change
            }
            index += 1
        }
        preconditionFailure("a local time that is skipped lies in a gap")
    }

    /// How many changes are not after `seconds`, which is the number of the segment that it lies in.
    private func segment(at seconds: Int64) -> Int {
        var low = 0
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func offset(ofSegment index: Int) -> Int64 { Int64(index == 0 ? first : offsets[index - 1]) }

    /// By how many whole cycles a far future is brought back to where the changes are known.
    private func shift(_ seconds: Int64) -> Int64 {
        guard let repeatsFrom, seconds > repeatsFrom else { return 0 }
        return ((seconds - repeatsFrom) / Self.cycle + 1) * Self.cycle
    }
}
