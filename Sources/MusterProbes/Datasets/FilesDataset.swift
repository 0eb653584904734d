public import MusterCore
public import MusterDrills

/// A tree of files: path, type, mode, owner, size, contents, where links lead, extended attributes. Not the times, which a
/// restore need not bring back.
public struct FilesDataset: Dataset, Hashable {
    public var files = ""
    public var exclude: [String] = []
    public init() {}

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
        let walk = TreeWalk(pass, excluding: exclude)
        try walk.run(files)
    }
}
