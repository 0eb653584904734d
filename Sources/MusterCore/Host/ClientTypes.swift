/// What a program with an HTTP interface is asked to change.
public struct APIRequest: Hashable, Sendable {
    public enum Method: String, Sendable {
        case post = "POST"
        case delete = "DELETE"
    }
    public var method: Method
    /// The path with what in it needs it percent-encoded, such as `/proxies/redis`.
    public var path: String
    /// Sent as JSON; nil sends no body.
    public var body: Value?

    public init(_ method: Method, _ path: String, body: Value? = nil) {
        self.method = method
        self.path = path
        self.body = body
    }
}

/// What a program with an HTTP interface answered.
public struct APIAnswer: Hashable, Sendable {
    /// The status, such as 200.
    public var status: Int
    /// The body read as JSON; as text where it is none, and `null` where it is empty.
    public var body: Value

    public init(status: Int, body: Value) {
        self.status = status
        self.body = body
    }
}

/// What a client of ours does that looks at a server from outside: it connects, says something harmless, and sees
/// what comes of it.
public struct Visit {
    public var address: StreamAddress
    /// A named network namespace (ip-netns(8)) from which it connects; nil: our own. Needs root.
    public var namespace: String?
    public var says: [UInt8]
    /// Whether it says that nothing more will come (shutdown(2)) once all is said.
    public var closesFirst = false
    /// Given all that came so far: whether that is enough.
    public var isEnough: ([UInt8]) -> Bool
    /// From the first step to the last.
    public var deadline: Duration

    /// The most that it reads.
    public static let limit = 1 << 20

    public init(
        _ address: StreamAddress, namespace: String? = nil, says: [UInt8] = [], deadline: Duration,
        isEnough: @escaping ([UInt8]) -> Bool
    ) {
        self.address = address
        self.namespace = namespace
        self.says = says
        self.deadline = deadline
        self.isEnough = isEnough
    }
}

/// What a client of ours saw. All times count from the beginning of its visit.
public struct Sighting: Hashable, Sendable {
    public enum Ending: Hashable, Sendable {
        /// It saw enough.
        case answered
        /// The other end said that nothing more would come, before that.
        case closed
        /// The connection was cut with RST.
        case reset
        /// Nobody listens there.
        case refused
        /// The deadline passed.
        case silent
        /// It could not be tried: why.
        case impossible(String)
    }
    public var ending: Ending
    /// When the connection stood; nil when it never did.
    public var connected: Duration?
    /// When the first byte came; nil when none did.
    public var first: Duration?
    public var ended: Duration
    /// In how many pieces the answer came.
    public var pieces: Int
    public var bytes: [UInt8]

    public init(
        _ ending: Ending, connected: Duration? = nil, first: Duration? = nil, ended: Duration = .zero,
        pieces: Int = 0, bytes: [UInt8] = []
    ) {
        self.ending = ending
        self.connected = connected
        self.first = first
        self.ended = ended
        self.pieces = pieces
        self.bytes = bytes
    }
}
