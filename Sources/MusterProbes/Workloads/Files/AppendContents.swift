import MusterCore
import MusterDrills

/// What the lines of an append-only file say. Pure.
struct AppendContents: Sendable {
    private struct Line {
        /// Where its value lies in the bytes.
        var value: Range<Int>
        var count = 1
        var isMisplaced = false
    }

    private let bytes: [UInt8]
    private let names: KeyNames
    private var lines: [String: Line] = [:]
    /// Lines that belong to nobody in this run.
    private(set) var foreign = 0
    private var firstForeign = ""
    /// Pieces of entries whose key cannot be read.
    private(set) var torn = 0
    private var hasHeader = false

    init(_ bytes: [UInt8], _ names: KeyNames, header: String) {
        self.bytes = bytes
        self.names = names
        let feed = UInt8(ascii: "\n")
        var newest: [Int32: Int64] = [:]
        var start = 0
        var isFirst = true
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: feed) ?? bytes.count
            if isFirst, bytes[start..<end].elementsEqual(header.utf8) {
                hasHeader = true
            } else if end > start {
                take(start..<end, &newest)
            }
            isFirst = false
            start = end + 1
        }
    }

    private mutating func take(_ range: Range<Int>, _ newest: inout [Int32: Int64]) {
        let line = bytes[range]
        let blank = line.firstIndex(of: UInt8(ascii: " "))
        let name = String(decoding: line[..<(blank ?? line.endIndex)], as: UTF8.self)
        guard let blank, let key = names.key(name) else {
            if name.hasPrefix(names.prefix) || names.prefix.hasPrefix(name) {
                torn += 1
            } else {
                if foreign == 0 { firstForeign = String(name.prefix(40)) }
                foreign += 1
            }
            return
        }
        let value = (blank + 1)..<range.upperBound
        if var before = lines[name] {
            before.count += 1
            // Whichever is longer is the whole one, where the other was torn.
            if value.count > before.value.count { before.value = value }
            lines[name] = before
            return
        }
        let isMisplaced = newest[key.stream].map { key.sequence < $0 } ?? false
        if !isMisplaced { newest[key.stream] = key.sequence }
        lines[name] = Line(value: value, isMisplaced: isMisplaced)
    }

    var keys: [String] { Array(lines.keys) }

    /// - Parameter tornIsAbsent: the write was not kept, so that a piece of it breaks no promise.
    func answer(_ wanted: Wanted, tornIsAbsent: Bool) -> ReadAnswer {
        guard let line = lines[wanted.key] else { return .absent }
        guard bytes[line.value].elementsEqual(wanted.value.utf8) else {
            return tornIsAbsent ? .absent : .present(isIntact: false, count: line.count)
        }
        return line.isMisplaced ? .misplaced(count: line.count) : .present(isIntact: true, count: line.count)
    }

    /// What proves damage, whatever became of the entries.
    var problems: [String] {
        var problems: [String] = []
        if foreign > 0 {
            problems.append(
                "\(foreign) \(foreign == 1 ? "line belongs" : "lines belong") to no entry of this run, "
                    + "such as one that begins with '\(firstForeign)'")
        }
        if !hasHeader, !bytes.isEmpty {
            problems.append("the file's first line is not the one that was written")
        }
        return problems
    }
}
