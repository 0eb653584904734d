import MusterCore
import Testing

@testable import MusterDrills

/// Rows of a made-up table, by number.
private struct Table {
    var rows: [Int64: UInt64]

    init(_ count: Int, _ random: inout SplitMix64) {
        rows = [:]
        while rows.count < count {
            rows[Int64(truncatingIfNeeded: random.next()) >> 40] = random.next()
        }
    }

    func key(_ number: Int64) -> [UInt8] {
        var key: [UInt8] = []
        DatasetKey.append(number, to: &key)
        return key
    }

    var indexed: [IndexedRow] {
        rows.sorted { $0.key < $1.key }.map {
            IndexedRow(key: key($0.key), hash: DigestSum(UInt128($0.value) << 64 | UInt128($0.value)))
        }
    }

    func digest(most: Int = 8, along earlier: RangeDigest? = nil) -> RangeDigest {
        var builder = earlier.map { RangeDigestBuilder(along: $0) } ?? RangeDigestBuilder(most: most)
        let all = indexed
        for (place, row) in all.enumerated() { builder.add(row.key, row.hash, at: Int64(place)) }
        return builder.finish(at: Int64(all.count))
    }
}

@Suite struct RangeDigestTests {
    @Test func theSumIsTheSameInWhateverOrderAndTwoAlikeDoNotCancel() {
        var random = SplitMix64(seed: 7)
        let hashes = (0..<500).map { _ in DigestSum(UInt128(random.next()) << 64 | UInt128(random.next())) }
        let sum = hashes.reduce(DigestSum(), +)
        #expect(hashes.shuffled(using: &random).reduce(DigestSum(), +) == sum)
        #expect(sum + hashes[0] - hashes[0] == sum)
        #expect(sum + hashes[0] + hashes[0] != sum)
        #expect(DigestSum(1).hex == String(repeating: "0", count: 31) + "1")
    }

    /// However many rows there are, there are few buckets, each row is in one, and they lie in the order of the keys.
    @Test(arguments: [0, 1, 7, 8, 9, 63, 64, 1000, 5000]) func bucketsAreFewAndHoldEverything(_ count: Int) {
        var random = SplitMix64(seed: UInt64(count))
        let table = Table(count, &random)
        let digest = table.digest()
        #expect(digest.rows == count)
        #expect(digest.sum == table.indexed.reduce(DigestSum()) { $0 + $1.hash })
        #expect(
            digest.buckets.count <= 8 && (count < 8 || digest.buckets.count >= 4), "\(digest.buckets.count)")
        for (one, next) in zip(digest.buckets, digest.buckets.dropFirst()) {
            #expect(DatasetKey.isBefore(one.last, next.last) && one.start < next.start)
        }
        #expect(digest.differing(from: table.digest(along: digest)).isEmpty)
    }

    /// Random rows are taken away, spoilt and added: the ranges that differ are exactly those in which something was done,
    /// and the rows told of them are exactly those to which it was done.
    @Test(arguments: 0..<60) func aDifferenceIsFoundInItsRangeAndThenRowByRow(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let before = Table(Int(random.next() % 400), &random)
        var after = before
        var wanted: Set<RowMerge.Difference> = []
        let hash = { (value: UInt64) in DigestSum(UInt128(value) << 64 | UInt128(value)) }
        for number in before.rows.keys.shuffled(using: &random).prefix(Int(random.next() % 6)) {
            let old = IndexedRow(key: before.key(number), hash: hash(before.rows[number] ?? 0))
            if random.next() % 2 == 0 {
                after.rows[number] = nil
                wanted.insert(.missing(old))
            } else {
                let value = random.next()
                after.rows[number] = value
                wanted.insert(.changed(before: old, after: IndexedRow(key: old.key, hash: hash(value))))
            }
        }
        for _ in 0..<random.next() % 4 {
            let number = Int64(truncatingIfNeeded: random.next()) >> 40
            guard before.rows[number] == nil, after.rows[number] == nil else { continue }
            let value = random.next()
            after.rows[number] = value
            wanted.insert(.extra(IndexedRow(key: before.key(number), hash: hash(value))))
        }
        let (old, new) = (before.digest(), after.digest(along: before.digest()))
        var found: [RowMerge.Difference] = []
        for bucket in old.differing(from: new) {
            var left = rows(before.indexed, old, bucket)
            var right = rows(after.indexed, new, bucket)
            let count = found.count
            RowMerge.run({ left.popFirst() }, { right.popFirst() }, { found.append($0) })
            #expect(found.count > count, "a range differs, and no row of it")
        }
        #expect(Set(found) == wanted && found.count == wanted.count)
        #expect((old.sum == new.sum) == wanted.isEmpty)
    }

    private func rows(_ all: [IndexedRow], _ digest: RangeDigest, _ bucket: Int) -> ArraySlice<IndexedRow> {
        let start = Int(digest.buckets[bucket].start)
        let end = bucket + 1 < digest.buckets.count ? Int(digest.buckets[bucket + 1].start) : all.count
        return all[start..<max(start, end)]
    }

    @Test func rowsThatComeInNoOrderOrWithOneKeyAreTold() {
        var builder = RangeDigestBuilder()
        builder.add([2], DigestSum(1), at: 0)
        builder.add([3], DigestSum(1), at: 1)
        #expect(!builder.isDisordered && !builder.hasTwins)
        builder.add([3], DigestSum(2), at: 2)
        #expect(builder.hasTwins && !builder.isDisordered)
        builder.add([1], DigestSum(1), at: 3)
        #expect(builder.isDisordered)
    }

    /// Rows with one key never lie on both sides of the end of a range, where a later digest would put them elsewhere.
    @Test(arguments: [2, 4, 8]) func rowsWithOneKeyStayTogether(_ most: Int) {
        var builder = RangeDigestBuilder(most: most)
        let keys: [UInt8] = [1, 2, 2, 2, 2, 3, 3, 4, 5, 5, 5, 6]
        for (place, key) in keys.enumerated() { builder.add([key], DigestSum(1), at: Int64(place)) }
        let digest = builder.finish(at: Int64(keys.count))
        var again = RangeDigestBuilder(along: digest)
        for (place, key) in keys.enumerated() { again.add([key], DigestSum(1), at: Int64(place)) }
        #expect(again.finish(at: Int64(keys.count)) == digest)
    }
}

@Suite struct DatasetKeyTests {
    /// Bytes lie in the order of what they stand for, whatever it is made of.
    @Test func bytesLieInTheOrderOfKeys() {
        var random = SplitMix64(seed: 3)
        let numbers: [Int64] =
            [.min, -256, -1, 0, 1, 255, 256, .max]
            + (0..<50).map { _ in
                Int64(bitPattern: random.next()) >> Int64(random.next() % 60)
            }
        let words = ["", "a", "a\u{0}", "a\u{0}b", "aa", "b", "ä", "\u{FFFF}"]
        var keys: [(number: Int64, text: String, bytes: [UInt8])] = []
        for number in numbers {
            for word in words {
                var bytes: [UInt8] = []
                DatasetKey.append(number, to: &bytes)
                DatasetKey.append(word, to: &bytes)
                keys.append((number, word, bytes))
            }
        }
        for _ in 0..<20_000 {
            let a = keys[Int(random.next() % UInt64(keys.count))]
            let b = keys[Int(random.next() % UInt64(keys.count))]
            let isBefore =
                a.number != b.number
                ? a.number < b.number : Array(a.text.utf8).lexicographicallyPrecedes(Array(b.text.utf8))
            #expect(DatasetKey.isBefore(a.bytes, b.bytes) == isBefore, "\(a) \(b)")
        }
    }

    @Test func whatIsInADirectoryComesRightBehindIt() {
        let paths = ["", "a", "a/b", "a/b/c", "a!", "a.b", "b"]
        let keys = paths.map { DatasetKey.path(Array($0.utf8)) }
        for (one, next) in zip(keys, keys.dropFirst()) { #expect(DatasetKey.isBefore(one, next)) }
        #expect(DatasetKey.words(keys[3]) == "a/b/c" && DatasetKey.words(keys[0]) == ".")
    }

    @Test func keysAreReadByPeople() {
        var key: [UInt8] = []
        DatasetKey.append(-42, to: &key)
        DatasetKey.append("anna\u{0}b", to: &key)
        DatasetKey.appendNull(to: &key)
        [UInt8](arrayLiteral: 0, 255).withUnsafeBytes { DatasetKey.append($0, isText: false, to: &key) }
        #expect(DatasetKey.words(key) == "-42, \"anna\u{0}b\", NULL, x'00ff'")
    }
}

@Suite struct LedgerAccountTests {
    @Test func whatTheLedgerKnowsIsExplainedAndNothingElse() {
        var ledger = ledgerVector()
        ledger.plan.seed = 5
        let account = LedgerAccount(ledger)
        func verdict(_ sequence: Int64, _ value: String? = nil) -> LedgerAccount.Verdict {
            account.verdict(on: EntryKey(stream: 1, sequence: sequence), holding: value)
        }
        let own = EntryPayload.make(EntryKey(stream: 1, sequence: 3), seed: 5, bytes: 64)
        #expect(verdict(3) == .explained && verdict(3, own) == .explained)
        #expect(verdict(11) == .explained, "in doubt")
        #expect(verdict(3, own + "x") == .unexplained("it is not what was written"))
        #expect(verdict(12) == .unexplained("its write was refused"))
        #expect(verdict(99) == .unexplained("the run never wrote it"))
        // The fence of the read-back.
        #expect(account.verdict(on: EntryKey(stream: 2, sequence: 1), holding: "x") == .explained)
        #expect(account.verdict(on: EntryKey(stream: 3, sequence: 1), holding: "x") != .explained)
        ledger.plan.mode = .bank
        #expect(LedgerAccount(ledger).verdict(on: nil, holding: "17") == .explained)
    }
}

@Suite struct DatasetFindingsTests {
    @Test func theyComeBackAsTheyWereKept() {
        var findings = DatasetFindings(name: "shop", kind: "sqlite")
        findings.before = DatasetExtent(items: 3, bytes: 12, sum: DigestSum(.max), read: bracket(1, 2))
        findings.changed = 1
        findings.explained = 4
        findings.structure = ["the table t is new"]
        findings.ranges = [DatasetRange(part: "t", after: "", upTo: "7", rowsBefore: 3, rowsAfter: 3)]
        findings.differingRanges = 1
        findings.differences = [DatasetDifference(.changed, part: "t", key: "5", detail: "contents")]
        findings.problems = ["p"]
        findings.notes = ["n"]
        findings.conclude()
        #expect(findings.result == .differs)
        #expect(DatasetFindings(value: findings.value) == findings)
        #expect(DatasetFindings(value: ["name": "x"]) == nil)
    }

    /// What is proven to differ does, whatever else could not be read; without proof nothing is concluded.
    @Test func onlyWhatWasReadWholeIsEqual() {
        var findings = DatasetFindings(name: "shop", kind: "sqlite")
        findings.conclude()
        #expect(findings.result == .equal)
        findings.problems = ["it changed while it was read"]
        findings.conclude()
        #expect(findings.result == .inconclusive && findings.sentence.contains("changed while"))
        findings.missing = 1
        findings.conclude()
        #expect(findings.result == .differs)
    }

    /// A table that is there and could not be read is not empty, whatever is known to be missing besides.
    @Test func onlyWhatIsKnownToBeGoneEmptiesADataset() {
        var findings = DatasetFindings(name: "shop", kind: "postgres")
        findings.before = DatasetExtent(items: 3, bytes: 12, sum: DigestSum(7), read: bracket(1, 2))
        findings.after = DatasetExtent(items: 0, bytes: 0, sum: DigestSum(), read: bracket(3, 4))
        findings.missing = 2
        findings.problems = ["a policy hides rows"]
        findings.conclude()
        #expect(!findings.isEmptied && findings.sentence == "'shop': 2 missing of 3 rows", "\(findings)")
        findings.missing = 3
        #expect(findings.isEmptied && findings.sentence == "'shop': it is empty: all 3 rows are gone")
    }

    /// That a range differs is proof, also when its rows cannot be told apart any more.
    @Test func aRangeThatDiffersIsProofByItself() {
        var findings = DatasetFindings(name: "shop", kind: "sqlite")
        findings.differingRanges = 2
        findings.problems = ["the index is gone"]
        findings.conclude()
        #expect(findings.result == .differs && findings.sentence.contains("2 ranges of keys differ"))
    }

    @Test func aLongListIsCutInOneSentence() {
        var findings = DatasetFindings(name: "shop", kind: "postgres")
        findings.structure = (1...5).map { "the index i\($0) of t is gone" }
        findings.conclude()
        #expect(
            findings.sentence == "'shop': the index i1 of t is gone; the index i2 of t is gone; "
                + "the index i3 of t is gone; 2 more like it")
    }
}
