import Glibc
import MusterCore

/// A file by which a person stops every drill on this host: nothing is injected while it exists, and what is
/// open is undone (SAFETY 17).
enum Halt {
    /// The file that says so; nil when there is none. `/etc/muster/halt`, or `halt` in `MUSTER_RUNTIME`.
    static func file() -> String? {
        let candidates = ["/etc/muster/halt"] + (environment("MUSTER_RUNTIME").map { [$0 + "/halt"] } ?? [])
        return candidates.first { access($0, F_OK) == 0 }
    }

    static func check() throws {
        guard let file = file() else { return }
        throw GuardFailure(
            .refused, "\(file) stands there: nothing is injected on this host",
            advice: "ask whoever put it there; remove it to allow drills again")
    }
}
