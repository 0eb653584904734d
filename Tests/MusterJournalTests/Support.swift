import Glibc
import MusterCore

/// A directory of a test's own, removed when it is over.
final class Scratch {
    let path: String

    init() {
        var template = Array("/tmp/muster-journal-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit { _ = shell("umount \(path)/mount 2>/dev/null; rm -rf \(path)") }
}

@discardableResult
func shell(_ command: String) -> Int32 { system(command) }

func injection(_ name: String, id: String, disposals: [String] = []) -> Injection {
    let id = InjectionID(id)!
    return Injection(
        id: id, run: "run-1", name: name, fault: "disk-fill",
        parameters: ["size": "1MiB", "share": .double(0.5)], target: ["path": "/srv/data"],
        facts: [NoHelper(id: id).stored], claims: [Claim("path", "/srv/data")],
        disposals: disposals.map { Disposal(path: $0) }, mending: .byUs, bootID: "boot-1",
        openedAtUTC: 1_700_000_000_000_000_000)
}
