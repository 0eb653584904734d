import Synchronization

@testable import MusterProxy

/// Proxies that move nothing. The one called `stuck` does not stop, and the one called `slow` does not start,
/// before they are let go.
final class SlowEngine: LinkEngine {
    private struct State {
        var isReleased = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    func release() {
        let waiting = state.withLock { state in
            state.isReleased = true
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    fileprivate func pause() async {
        await withCheckedContinuation { continuation in
            let goes = state.withLock { state in
                if !state.isReleased { state.waiting.append(continuation) }
                return state.isReleased
            }
            if goes { continuation.resume() }
        }
    }

    func start(_ name: String, listen: String, upstream: String, toxics: [ActiveToxic]) async throws
        -> any RunningProxy
    {
        if name == "slow" { await pause() }
        return Running(name: name, engine: self)
    }

    private final class Running: RunningProxy {
        let address = "127.0.0.1:1"
        let traffic: [Traffic] = []
        private let name: String
        private let engine: SlowEngine

        init(name: String, engine: SlowEngine) {
            self.name = name
            self.engine = engine
        }

        func add(_ toxic: ActiveToxic) async {}
        func update(_ toxic: ActiveToxic) async {}
        func remove(_ name: String) async {}
        func stop(draining grace: Duration) async {
            if name == "stuck" { await engine.pause() }
        }
    }
}
