import Testing

@testable import MusterDrills

private func key(_ path: String) -> [UInt8] { DatasetKey.path(Array(path.utf8)) }
private func row(_ path: String) -> IndexedRow { IndexedRow(key: key(path), hash: DigestSum(1)) }

@Suite struct UnknownKeysTests {
    private func proven(
        _ differences: [RowMerge.Difference], besides unknown: UnknownKeys
    ) -> [RowMerge.Difference] {
        var proven = ProvenDifferences(besides: unknown)
        var told: [RowMerge.Difference] = []
        for one in differences where proven.includes(one) { told.append(one) }
        #expect(proven.dismissed == differences.count - told.count)
        return told
    }

    /// Which of some paths, all of them gone, are told as missing.
    private func missing(_ paths: [String], besides unknown: UnknownKeys) -> [String] {
        proven(paths.map { .missing(row($0)) }, besides: unknown).map { DatasetKey.words($0.key) }
    }

    private let paths = ["a", "a/b", "a/b/c", "a/d", "a!", "a.b", "a.b/c", "b"]

    @Test func whatIsUnknownHidesWhatIsBelowItAndNothingElse() {
        #expect(missing(paths, besides: UnknownKeys()) == paths)
        var unknown = UnknownKeys()
        unknown.add(tree: key("a"))
        #expect(missing(paths, besides: unknown) == ["a!", "a.b", "a.b/c", "b"])
        unknown.add(tree: key("a.b/c"))
        // One within another.
        unknown.add(tree: key("a/b"))
        #expect(missing(paths, besides: unknown) == ["a!", "a.b", "b"])
        unknown.add(tree: key(""))
        #expect(missing(paths, besides: unknown).isEmpty)
        var all = UnknownKeys()
        all.addAll()
        #expect(missing(paths, besides: all).isEmpty && !all.isEmpty)
        // Also of what is no path.
        let number = IndexedRow(key: [2, 0, 0, 0, 0, 0, 0, 0, 1], hash: DigestSum(1))
        #expect(proven([.extra(number)], besides: all).isEmpty)
    }

    /// Names come and go, and whatever was seen under one of them was seen.
    @Test func unknownNamesHideWhatComesOrGoesWithThem() {
        var unknown = UnknownKeys()
        unknown.add(listing: key("a"))
        // "a" itself lies in the tree's own directory.
        #expect(missing(paths, besides: unknown) == ["a", "a!", "a.b", "a.b/c", "b"])
        // What was read of a name, and a directory that is there and in which something is not.
        let known: [RowMerge.Difference] = [
            .changed(before: row("a/d"), after: row("a/d")), .missing(row("a/e/f")),
        ]
        #expect(proven([.extra(row("a/b")), .missing(row("a/b/c"))] + known, besides: unknown) == known)
        var top = UnknownKeys()
        top.add(listing: key(""))
        #expect(missing(["b", "b/c"], besides: top).isEmpty)
        #expect(missing(["b/c"], besides: top) == ["b/c"])
    }

    @Test func whatIsTooMuchToRememberHidesTheRest() {
        var unknown = UnknownKeys()
        for number in 0..<UnknownKeys.most { unknown.add(tree: key("c/\(1_000_000 + number)")) }
        let paths = ["a", "c/1", "c/1000007", "c/1000007/x", "d", "d/w", "d/x", "d/y", "e/f"]
        #expect(missing(paths, besides: unknown) == ["a", "c/1", "d", "d/w", "d/x", "d/y", "e/f"])
        unknown.add(listing: key("e"))
        unknown.add(tree: key("d/x"))
        #expect(missing(paths, besides: unknown) == ["a", "c/1", "d", "d/w"])
    }
}

@Suite struct DatasetObjectTests {
    @Test func eachIsToldByWhatBecameOfIt() {
        let before = [
            DatasetObject("index", "i", definition: "a"), DatasetObject("constraint", "i", definition: "b"),
            DatasetObject(DatasetObject.table, "t", definition: "c"), DatasetObject("view", "gone"),
        ]
        var after = before
        #expect(DatasetObject.differences(before, after.reversed(), of: "t").isEmpty)
        after[1].definition = "c"
        after[2].definition = "d"
        after[3].name = "new"
        #expect(
            DatasetObject.differences(before, after, of: "t") == [
                "the constraint i of t is defined otherwise", "the table t is defined otherwise",
                "the view gone of t is gone", "the view new of t is new",
            ])
        #expect(DatasetObject.differences([before[3]], [], of: "") == ["the view gone is gone"])
    }

    @Test func aSequenceMayBeAheadALittleAndNeverBehind() {
        let cases: [(value: Int64, later: Int64, step: Int64, wanted: String)] = [
            (100, 100, 1, ""), (100, 133, 1, ""), (100, 134, 1, "ahead"), (100, 99, 1, "behind"),
            (-100, -265, -5, ""), (-100, -266, -5, "ahead"), (-100, -95, -5, "behind"),
            (.min, .max, 1, "ahead"), (.max, .min, 1, "behind"), (.max, .min, .min, ""),
        ]
        for one in cases {
            let counter = DatasetCounter(value: one.value, step: one.step, slack: 33)
            let words = counter.difference(to: DatasetCounter(value: one.later, step: one.step, slack: 33))
            let isAsWanted = one.wanted.isEmpty ? words == nil : words?.hasPrefix("is \(one.wanted):") == true
            #expect(isAsWanted, "\(one): \(words ?? "")")
        }
    }

    /// Where it stands cannot be told of a standby's.
    @Test func whatCannotBeToldIsNoDifference() {
        let known = DatasetObject("sequence", "s", counter: DatasetCounter(value: 9, step: 1, slack: 33))
        let unknown = DatasetObject("sequence", "s")
        #expect(DatasetObject.differences([known], [unknown], of: "").isEmpty)
        #expect(DatasetObject.differences([unknown], [known], of: "").isEmpty)
    }
}
