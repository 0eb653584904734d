import CLinux
import Glibc

/// Starts a thread of our own, outside Swift's pool (pthread_create(3)).
/// - Parameters:
///   - name: at most 15 bytes appear in /proc.
///   - stackSize: bytes.
/// - Throws: `SystemError` when the system has no more threads.
public func startThread(
    name: String, stackSize: Int = 1 << 20, _ body: sending @escaping () -> Void
) throws(SystemError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, max(stackSize, 1 << 16))
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let work = Unmanaged.passRetained(ThreadWork(name: name, body: body))
    var thread = pthread_t()
    let code = pthread_create(
        &thread, &attributes,
        { argument in
            guard let argument else { return nil }
            let work = Unmanaged<ThreadWork>.fromOpaque(argument).takeRetainedValue()
            nameThread(work.name)
            work.body()
            return nil
        }, work.toOpaque())
    if code != 0 {
        work.release()
        throw SystemError("start thread \(name)", code: code)
    }
}

/// Names the calling thread; the name is cut to 15 bytes (pthread_setname_np(3)).
public func nameThread(_ name: String) {
    var cut = Substring(name)
    while cut.utf8.count > 15 { cut = cut.dropLast() }
    _ = csystem_name_thread(String(cut))
}

private final class ThreadWork {
    let name: String
    let body: () -> Void
    init(name: String, body: @escaping () -> Void) {
        self.name = name
        self.body = body
    }
}
