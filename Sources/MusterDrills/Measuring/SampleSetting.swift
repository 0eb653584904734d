public import MusterCore

/// When a read-back is a sample, and of what.
public struct SampleSetting: Formed, Hashable {
    /// With more entries than this.
    public var above = 1_000_000
    /// How many older writes are drawn at random.
    public var older = 2995
    /// From this long before the fault on, everything is read.
    public var recent = Duration.seconds(60)
    public init() {}

    public static let form = Form(
        "sample",
        "What is read back of more entries than can be read: all recent ones, some of the older ones.",
        blank: SampleSetting(),
        fields: [
            Field(
                "above", \.above, default: 1_000_000, "With more entries than this, a sample is read.",
                in: { $0 >= 0 ? nil : "0 or more" }),
            Field(
                "older", \.older, default: 2995,
                "How many of the older acknowledged writes are drawn at random: 299 leave at most 1 % of them "
                    + "lost (95 % confidence), 2995 at most 0.1 %.",
                in: { (1...1_000_000).contains($0) ? nil : "from 1 to 1000000" }),
            Field(
                "recent", \.recent, default: .seconds(60),
                "Every write from this long before the fault to the end is read."),
        ])
}
