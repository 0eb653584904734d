/// Where a drill's `${port:…}`, `${scratch}`, `${env:…}` and `${file:…}` come from.
public struct DrillResources: Sendable {
    /// Reserves a free port for a name; the same name gives the same port within one reading.
    public var port: @Sendable (String) throws -> Int
    /// The directory of this run.
    public var scratch: @Sendable () throws -> String
    /// An environment variable; nil when it is not set.
    public var environment: @Sendable (String) -> String?
    /// A file's text, without its last newline.
    public var file: @Sendable (String) throws -> String

    public init(
        port: @escaping @Sendable (String) throws -> Int, scratch: @escaping @Sendable () throws -> String,
        environment: @escaping @Sendable (String) -> String?,
        file: @escaping @Sendable (String) throws -> String
    ) {
        self.port = port
        self.scratch = scratch
        self.environment = environment
        self.file = file
    }

    /// For `muster lint` and `muster plan`: touches nothing. Ports are made up, secrets read as `***`.
    public static let pretended = DrillResources(
        port: { name in 20_000 + name.utf8.reduce(0) { ($0 * 31 + Int($1)) % 10_000 } },
        scratch: { "/run/muster/scratch" }, environment: { _ in "***" }, file: { _ in "***" })
}
