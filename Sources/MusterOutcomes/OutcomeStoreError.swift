/// What can be wrong with the store of outcomes. Nothing here was overwritten or deleted.
public enum OutcomeStoreError: Error, Hashable, Sendable {
    case newerVersion(path: String, found: Int, known: Int)
    case corrupted(path: String, String)
    case notAnOutcomeStore(path: String, String)
    case missing(path: String)
    case cannotOpen(path: String, String)
    case cannotWrite(path: String, String)
    case unknownRun(path: String, run: String)
    case unreadableRow(path: String, String)
}

extension OutcomeStoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .newerVersion(let path, let found, let known):
            """
            \(path) is a store of outcomes of version \(found); this muster knows versions up to \(known). \
            It was left as it is. Use the newer muster that wrote it, or name another store with --outcomes.
            """
        case .corrupted(let path, let detail):
            """
            \(path) is damaged: \(detail). It was left as it is. Save what can be read with \
            `sqlite3 \(quoted(path)) .recover | sqlite3 \(quoted(path + ".recovered"))`, move the damaged \
            file away together with its -wal and -shm, and put the recovered one in its place.
            """
        case .notAnOutcomeStore(let path, let detail):
            """
            \(path) is not a store of outcomes: \(detail). It was left as it is. Expected a database that \
            muster made, or no file at all; name another path with --outcomes.
            """
        case .missing(let path):
            """
            There is no store of outcomes at \(path), or nothing in it yet. It is made by what first has something to \
            keep, such as `muster run`; --outcomes names another one.
            """
        case .cannotOpen(let path, let detail):
            """
            Cannot open the store of outcomes at \(path): \(detail). Expected a file, and a directory that \
            this user may write to, with room; look with `ls -ld \(quoted(path))*` and `df -h \(quoted(path))`. What \
            cannot wait, such as a recovery, goes on with a store elsewhere: --outcomes /other/place/outcomes.sqlite
            """
        case .cannotWrite(let path, let detail):
            """
            Cannot write to the store of outcomes at \(path): \(detail). Look who may write to it with \
            `ls -ld \(quoted(path))*`, at the free space with `df -h \(quoted(path))`, and for other writers \
            with `fuser \(quoted(path))`; --outcomes names another place.
            """
        case .unknownRun(let path, let run):
            "\(path) has no run \(run). List the runs with `muster outcomes`."
        case .unreadableRow(let path, let detail):
            """
            \(path) has a row that this muster cannot read: \(detail). A newer muster may know the word.
            """
        }
    }
}

/// A path as a shell takes it.
private func quoted(_ path: String) -> String {
    "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}
