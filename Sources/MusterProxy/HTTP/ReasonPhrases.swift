internal import NIOHTTP1

/// What stands after a status in the first line of an answer.
enum ReasonPhrases {
    /// Empty for a status that is not registered.
    static func phrase(_ status: Int) -> String {
        let known = HTTPResponseStatus(statusCode: status)
        if case .custom = known { return "" }
        return known.reasonPhrase
    }
}
