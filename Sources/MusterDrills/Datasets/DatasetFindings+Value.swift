public import MusterCore

/// As the store keeps them and `--json` prints them.
extension DatasetFindings {
    public var value: Value {
        [
            "name": .text(name), "kind": .text(kind), "result": .text(result.rawValue),
            "sentence": .text(sentence), "before": before?.value ?? .null, "after": after?.value ?? .null,
            "missing": .int(Int64(missing)), "extra": .int(Int64(extra)), "changed": .int(Int64(changed)),
            "explained": .int(Int64(explained)), "structure": Self.list(structure),
            "differingRanges": .int(Int64(differingRanges)),
            "ranges": .list(
                ranges.map { range in
                    [
                        "part": .text(range.part), "after": .text(range.after), "upTo": .text(range.upTo),
                        "rowsBefore": .int(Int64(range.rowsBefore)),
                        "rowsAfter": .int(Int64(range.rowsAfter)),
                    ]
                }),
            "differences": .list(
                differences.map { difference in
                    [
                        "kind": .text(difference.kind.rawValue), "part": .text(difference.part),
                        "key": .text(difference.key), "detail": .text(difference.detail),
                    ]
                }),
            "problems": Self.list(problems), "notes": Self.list(notes),
        ]
    }

    /// - Returns: nil for what no version has written.
    public init?(value: Value) {
        guard let name = value["name"]?.asText, let kind = value["kind"]?.asText,
            let result = value["result"]?.asText.flatMap(Result.init)
        else { return nil }
        func number(_ value: Value?, _ key: String) -> Int { Int(value?[key]?.asInt ?? 0) }
        func text(_ value: Value, _ key: String) -> String { value[key]?.asText ?? "" }
        func texts(_ key: String) -> [String] { value[key]?.asList?.compactMap(\.asText) ?? [] }
        self.init(name: name, kind: kind)
        self.result = result
        before = value["before"].flatMap { DatasetExtent(value: $0) }
        after = value["after"].flatMap { DatasetExtent(value: $0) }
        missing = number(value, "missing")
        extra = number(value, "extra")
        changed = number(value, "changed")
        explained = number(value, "explained")
        structure = texts("structure")
        differingRanges = number(value, "differingRanges")
        ranges = (value["ranges"]?.asList ?? []).map { range in
            DatasetRange(
                part: text(range, "part"), after: text(range, "after"), upTo: text(range, "upTo"),
                rowsBefore: number(range, "rowsBefore"), rowsAfter: number(range, "rowsAfter"))
        }
        differences = (value["differences"]?.asList ?? []).compactMap { one in
            DatasetDifference.Kind(rawValue: text(one, "kind")).map {
                DatasetDifference(
                    $0, part: text(one, "part"), key: text(one, "key"), detail: text(one, "detail"))
            }
        }
        problems = texts("problems")
        notes = texts("notes")
    }

    private static func list(_ texts: [String]) -> Value { .list(texts.map { .text($0) }) }
}

extension DatasetExtent {
    var value: Value {
        [
            "items": .int(Int64(items)), "bytes": .int(bytes), "sum": .text(sum.hex),
            "fromNanoseconds": .int(read.lower.nanoseconds), "toNanoseconds": .int(read.upper.nanoseconds),
        ]
    }

    init?(value: Value) {
        guard let items = value["items"]?.asInt, let bytes = value["bytes"]?.asInt,
            let sum = value["sum"]?.asText.flatMap({ UInt128($0, radix: 16) }),
            let from = value["fromNanoseconds"]?.asInt, let to = value["toNanoseconds"]?.asInt, from <= to
        else { return nil }
        self.init(
            items: Int(items), bytes: bytes, sum: DigestSum(sum),
            read: Bracket(Instant(nanoseconds: from), Instant(nanoseconds: to)))
    }
}
