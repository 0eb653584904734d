import Glibc
import MusterCore
import MusterDrills
import MusterSystem

/// A run that a scheduler started, and what both have to say to each other: two pipes, whose ends the run finds under
/// numbers of its own. The scheduler says why the run is to be aborted, just before it sends SIGINT, which says nothing;
/// the run says why it could not be carried out.
struct ScheduledRun {
    let child: Child
    private let orders: Descriptor
    private let words: Descriptor
    /// Why it was broken off; nil: nobody did.
    private(set) var interruption: String?

    /// - Parameter spawn: of `muster run … --linked`.
    init(_ spawn: Spawn) throws {
        // A run that has ended takes no orders any more.
        try Signals.ignore(SIGPIPE)
        let orders = try Descriptor.pipe()
        let words = try Descriptor.pipe()
        try words.read.setNonblocking()
        var spawn = spawn
        spawn.descriptors = [
            SchedulerLink.orders: orders.read.number, SchedulerLink.words: words.write.number,
        ]
        child = try spawn.start()
        withExtendedLifetime((orders.read, words.write)) {}
        self.orders = orders.write
        self.words = words.read
    }

    /// Breaks it off: it aborts, puts everything back, and records why.
    /// - Throws: `SystemError` when it could not be told.
    mutating func interrupt(_ why: String) throws {
        // One that cannot be told why is told to stop all the same.
        try? orders.write(Array(why.utf8.prefix(SchedulerLink.most)))
        _ = try child.kill(SIGINT)
        interruption = why
    }

    /// How it ended, for the record of its occurrence.
    /// - Parameter status: once it has ended.
    func ending(_ status: ExitStatus) -> RunEnding {
        let code: Int32
        var why: String?
        switch status {
        case .exited(let number): code = number
        case .signalled(let number):
            code = Status.internalError.rawValue
            why = "it was ended by signal \(number); its guard puts back what it broke"
        }
        if case .bytes(let bytes)? = try? words.read(upTo: SchedulerLink.most * 2) {
            why = String(decoding: bytes, as: UTF8.self)
        }
        return RunEnding(code: code, why: interruption.map { "broken off: \($0)" } ?? why)
    }
}

/// How a run of a schedule ended.
struct RunEnding {
    var code: Int32
    /// What its outcome does not tell, or that there is none; nil when there is nothing to add.
    var why: String?
}

/// The run's side of what it shares with the scheduler that started it.
enum SchedulerLink {
    static let orders: Int32 = 3
    static let words: Int32 = 4
    /// The most that is said, in bytes: a pipe takes as much at once (PIPE_BUF, pipe(7)).
    static let most = 2000

    /// Why the scheduler wants the run to end; nil when it said nothing.
    static func order() -> String? {
        _ = fcntl(orders, F_SETFL, O_NONBLOCK)
        var bytes = [UInt8](repeating: 0, count: most)
        let count = read(orders, &bytes, most)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    /// Says why the run could not be carried out.
    static func tell(_ error: any Error) {
        let text = (error as? Refusal)?.message ?? "\(error)"
        let bytes = Array(text.utf8.prefix(most))
        _ = bytes.withUnsafeBytes { write(words, $0.baseAddress, $0.count) }
    }
}
