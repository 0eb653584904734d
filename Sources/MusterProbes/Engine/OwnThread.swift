import CCurl
import Glibc

/// A thread of our own, outside Swift's pool: a blocking call in the pool of a two-core machine stops everything.
final class OwnThread {
    private var thread = pthread_t()
    private final class Body {
        let name: String
        let run: @Sendable () -> Void
        init(_ name: String, _ run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    /// - Parameter name: at most 15 characters; shown by `ps -L` and in /proc.
    /// - Throws: `MeasuringError` when the system gives no thread.
    init(_ name: String, _ run: @escaping @Sendable () -> Void) throws {
        // Signals belong to the thread that waits for them; ours inherits a full mask.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let body = Unmanaged.passRetained(Body(name, run))
        let code = pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                let body = Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue()
                ccurl_prepare_thread(body.name)
                body.run()
                return nil
            }, body.toOpaque())
        if code != 0 {
            body.release()
            throw MeasuringError.system("cannot start the thread '\(name)'", code)
        }
    }

    func join() { pthread_join(thread, nil) }

    /// Instead of `join`, for a thread whose end nobody waits for.
    func detach() { pthread_detach(thread) }
}
