import MusterCore
import MusterDrills
import MusterOutcomes
import MusterSystem

/// Follows one run through its store: reads what is new, in short looks, and folds it into the board.
struct RunFollower {
    private let store: OutcomeStore
    private var cursor: RunCursor
    private(set) var board: RunBoard
    private(set) var watched: OutcomeStore.WatchedRun
    private(set) var questions: [Question] = []
    /// What was read in the last look.
    private(set) var fresh: [Event] = []
    private(set) var freshSamples: [(name: String, writer: Int?, samples: [Sample])] = []
    private var isOver = false
    private let isOurClock: Bool
    private let clock = SystemTimekeeper()

    /// How much of a long run's beginning is not read again.
    private static let past = Duration.seconds(600)
    /// One look reads no longer than this before it is shown.
    private static let patience = Duration.milliseconds(100)
    /// A runner says something twice a second.
    private static let silence = Duration.seconds(5)

    /// - Parameter isWhole: whether everything is read from the beginning, however long the run has been going.
    init(_ watched: OutcomeStore.WatchedRun, _ store: OutcomeStore, isWhole: Bool = false) throws {
        self.watched = watched
        self.store = store
        isOurClock = (try? bootID()) == watched.bootID
        let start = watched.run.startedAt
        let from =
            isOurClock && watched.isRunning && !isWhole ? max(start, clock.monotonic() - Self.past) : start
        cursor = RunCursor(run: watched.run.id, samplesFrom: from)
        board = RunBoard(watched.run, strip: from)
        board.earlier = try store.earlier(than: watched.run)
    }

    /// On the clock of the run; for a run of another boot, when the last was heard of it.
    var now: Instant { isOurClock ? clock.monotonic() : board.lastEvent }

    /// Reads what is new.
    /// - Throws: `OutcomeStoreError`.
    mutating func look() throws {
        fresh = []
        freshSamples = []
        guard !isOver else { return }
        // Before what it wrote is read: what it wrote until its end is then read as well.
        if let found = try store.watched(watched.run.id) { watched = found }
        let end = clock.monotonic() + Self.patience
        var isMore = true
        while isMore {
            let news = try store.news(&cursor)
            for event in news.events { board.apply(event) }
            for (name, writer, samples) in news.samples { board.apply(samples, of: name, writer: writer) }
            fresh += news.events
            freshSamples += news.samples
            isMore = news.isMore
            if clock.monotonic() > end { break }
        }
        if let pulse = try store.pulse(ofRun: watched.run.id) { board.apply(pulse) }
        questions = watched.isRunning ? try store.openQuestions(ofRun: watched.run.id) : []
        guard watched.isClosed else { return }
        board.closing = try store.closing(ofRun: watched.run.id)
        isOver = !isMore
    }

    /// Whether nothing more will come.
    var isEnded: Bool { isOver || (!watched.isRunning && !watched.isClosed) }

    var life: BoardScene.Life {
        if watched.isClosed { return .over }
        if !watched.isRunning { return .gone }
        let last = max(board.pulse?.at ?? board.run.startedAt, board.lastEvent)
        let silent = now - last
        return silent > Self.silence ? .silent(silent) : .running
    }
}
