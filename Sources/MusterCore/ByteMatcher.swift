/// Finds many texts at once in one pass over bytes, in time that grows with the bytes and not with the texts
/// (A. V. Aho and M. J. Corasick, "Efficient string matching", 1975).
struct ByteMatcher: Hashable, Sendable {
    /// Texts as a tree: each node is one byte further than its parent. Most have one child.
    private struct Node: Hashable {
        var byte: UInt8
        var child: Int32 = 0
        var sibling: Int32 = 0
        /// The node of the longest proper ending that begins a text, too.
        var fallback: Int32 = 0
        /// Bytes of the longest text that ends here; 0: none does.
        var length: Int32 = 0
    }

    private var nodes = [Node(byte: 0)]
    /// Children of the root, by their byte: nearly every byte is looked up there.
    private var first = [Int32](repeating: 0, count: 256)
    /// Whether a text is also found when it is broken into lines, as `base64` breaks what it prints.
    private let ignoresLineEnds: Bool
    /// The most bytes that one text may take up where it is found.
    private(set) var longest = 0

    /// So many bytes that end and begin lines may stand between two of a text.
    private static let widestGap = 16

    init(_ texts: some Sequence<[UInt8]>, ignoringLineEnds: Bool = false) {
        ignoresLineEnds = ignoringLineEnds
        for text in texts where !text.isEmpty { add(text) }
        link()
    }

    private mutating func add(_ text: [UInt8]) {
        var node: Int32 = 0
        for byte in text {
            let found = child(of: node, byte)
            if found != 0 {
                node = found
                continue
            }
            let new = Int32(nodes.count)
            nodes.append(Node(byte: byte, sibling: nodes[Int(node)].child))
            nodes[Int(node)].child = new
            if node == 0 { first[Int(byte)] = new }
            node = new
        }
        nodes[Int(node)].length = Int32(text.count)
        longest = max(longest, ignoresLineEnds ? text.count * 4 + Self.widestGap : text.count)
    }

    /// Sets the fallbacks, the nodes nearer to the root first.
    private mutating func link() {
        var queue = first.filter { $0 != 0 }
        var index = 0
        while index < queue.count {
            let node = queue[index]
            index += 1
            var next = nodes[Int(node)].child
            while next != 0 {
                let fallback = step(nodes[Int(node)].fallback, nodes[Int(next)].byte)
                nodes[Int(next)].fallback = fallback
                if nodes[Int(next)].length == 0 { nodes[Int(next)].length = nodes[Int(fallback)].length }
                queue.append(next)
                next = nodes[Int(next)].sibling
            }
        }
    }

    private func child(of node: Int32, _ byte: UInt8) -> Int32 {
        if node == 0 { return first[Int(byte)] }
        var next = nodes[Int(node)].child
        while next != 0, nodes[Int(next)].byte != byte { next = nodes[Int(next)].sibling }
        return next
    }

    private func step(_ start: Int32, _ byte: UInt8) -> Int32 {
        var node = start
        while true {
            let found = child(of: node, byte)
            if found != 0 || node == 0 { return found }
            node = nodes[Int(node)].fallback
        }
    }

    /// Where any of the texts stands, in the order of their ends; they may overlap.
    func ranges(in bytes: [UInt8]) -> [Range<Int>] {
        if nodes.count == 1 { return [] }
        return ignoresLineEnds ? rangesAcrossLines(in: bytes) : plainRanges(in: bytes)
    }

    private func plainRanges(in bytes: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var node: Int32 = 0
        for (place, byte) in bytes.enumerated() {
            node = step(node, byte)
            let length = Int(nodes[Int(node)].length)
            if length > 0 { found.append(place + 1 - length..<place + 1) }
        }
        return found
    }

    private func rangesAcrossLines(in bytes: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var node: Int32 = 0
        // Where the bytes are that count.
        var places: [Int] = []
        places.reserveCapacity(bytes.count)
        var gap = 0
        for (place, byte) in bytes.enumerated() {
            let isEnd = byte == 0x0A || byte == 0x0D
            if isEnd || gap > 0 && (byte == 0x20 || byte == 0x09) {
                gap += 1
                if gap > Self.widestGap { node = 0 }
                continue
            }
            gap = 0
            places.append(place)
            node = step(node, byte)
            let length = Int(nodes[Int(node)].length)
            if length > 0 { found.append(places[places.count - length]..<place + 1) }
        }
        return found
    }
}
