/// Of the tool, for people; the protocol has a version of its own.
enum Version {
    static let text = "0.1.0"
}
