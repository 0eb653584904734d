/// A text in which `*` stands for any bytes, none included.
struct Glob: Sendable, Equatable {
    private let pattern: [UInt8]
    private let ignoresCase: Bool

    init(_ pattern: String, ignoringCase: Bool = false) {
        self.pattern = pattern.utf8.map { ignoringCase ? $0.lowercased : $0 }
        ignoresCase = ignoringCase
    }

    /// Every text is meant.
    var isAll: Bool { pattern == [Self.star] }

    /// Goes back only to the last star, so that the time is bounded by the product of both lengths.
    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        var place = 0
        var retry: (place: Int, index: Int)?
        while index < text.count {
            if place < pattern.count, pattern[place] == Self.star {
                place += 1
                retry = (place, index)
            } else if place < pattern.count,
                pattern[place] == (ignoresCase ? text[index].lowercased : text[index])
            {
                place += 1
                index += 1
            } else if let last = retry {
                place = last.place
                index = last.index + 1
                retry = (place, index)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == Self.star }
    }

    private static let star = UInt8(ascii: "*")
}
