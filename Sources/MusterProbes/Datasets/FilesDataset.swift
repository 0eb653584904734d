public import MusterCore
public import MusterDrills

/// A tree of files: path, type, mode, owner, size, contents, where links lead, extended attributes. Not the times, which a
/// restore need not bring back; only where nothing may have touched it at all, when everything was written last.
public struct FilesDataset: Dataset, Hashable {
    public var files = ""
    public var exclude: [String] = []
    /// Whether something that was written last at another time is another one. No word of drill files.
    var comparesTimes = false
    public init() {}

    /// What must be afterwards as it was, and when it was: not even with the same contents written anew.
    init(untouched path: String) {
        files = path
        comparesTimes = true
    }

    public static let form = Form(
        "files",
        "A directory with everything below it: paths, types, modes, owners, contents, links and extended attributes.",
        example: "documents: { files: /srv/app/documents, exclude: [\"*.tmp\", cache] }",
        blank: FilesDataset(),
        fields: [
            Field(
                required: "files", \.files,
                "The directory, or one file. A link at its end is followed; those below are not.",
                in: absolutePath),
            Field(
                "exclude", \.exclude, default: [],
                "What is left out: names, or paths from the directory on, with * and ? (fnmatch(3))."),
        ])
}

extension FilesDataset: ReadableDataset {
    func read(into pass: DatasetPass) throws(DatasetFailure) {
        pass.begin("", shape: "files")
        let walk = TreeWalk(pass, excluding: exclude, withTimes: comparesTimes)
        try walk.run(files)
    }
}
