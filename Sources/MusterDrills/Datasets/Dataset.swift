public import MusterCore

/// Data that a drill promises to leave as they are: read before the fault and after the recovery, and compared.
/// One kind, one file in MusterProbes.
public protocol Dataset: Sendable {
    /// The field named like the form says where the data are: `files: /srv/app`.
    static var form: Form<Self> { get }
}

/// What every dataset has, whatever its kind.
public struct DatasetSetting: Formed, Hashable {
    /// The most that reading it once may take.
    public var within = Duration.seconds(600)
    public init() {}

    public static let form = Form(
        "dataset", "What every dataset has.", blank: DatasetSetting(),
        fields: [
            Field(
                "within", \.within, default: .seconds(600), "How long reading it once may take.",
                in: { $0 >= .seconds(1) && $0 <= .seconds(86_400) ? nil : "from 1s to 24h" })
        ])
}

/// A dataset of a drill.
public struct DrillDataset: Sendable {
    public var name: String
    public var kind: String
    public var dataset: any Dataset
    public var setting: DatasetSetting

    public init(name: String, kind: String, dataset: any Dataset, setting: DatasetSetting) {
        self.name = name
        self.kind = kind
        self.dataset = dataset
        self.setting = setting
    }
}

/// The kinds of dataset, without their types.
public struct DatasetCatalog: Sendable {
    public let types: [any Dataset.Type]
    public init(_ types: [any Dataset.Type] = []) { self.types = types }
    public var descriptions: [FormDescription] { types.map { Self.describe($0) } }

    /// - Parameter others: keys of the same mapping that are read by others, such as `within`.
    /// - Returns: nil where there is no such kind.
    /// - Throws: `FormProblems`.
    public func dataset(_ name: String, _ node: FormNode, besides others: Set<String>) throws -> (
        any Dataset
    )? {
        try types.first { Self.describe($0).name == name }.map { try Self.decode($0, node, others) }
    }

    private static func describe<D: Dataset>(_ type: D.Type) -> FormDescription { D.form.description }
    private static func decode<D: Dataset>(_ type: D.Type, _ node: FormNode, _ others: Set<String>) throws
        -> D
    { try D.form.decode(node, besides: others) }
}
