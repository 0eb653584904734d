/// Where in a chunked body a stream is (RFC 9112, 7.1): nothing is kept but a few numbers.
struct ChunkedBody: Sendable, Equatable {
    enum Piece: Equatable {
        /// So many bytes of sizes, extensions, line ends and trailers.
        case framing(Int)
        /// So many bytes of content.
        case data(Int)
        /// The body is over; nothing more belongs to it.
        case end
        case bad
    }

    private enum Place: Equatable {
        case size
        case sizeSpace
        case sizeExtension
        case sizeFeed
        case data
        case dataReturn
        case dataFeed
        case trailerStart
        case trailerLine
        case trailerFeed
        case lastFeed
        case over
        case broken
    }

    private var place = Place.size
    private var digits = 0
    private var size = 0
    /// Bytes of the present line, or of the trailer section.
    private var line = 0

    /// Content of the present chunk that is still to come.
    var remaining: Int { place == .data ? size : 0 }

    /// - Parameters:
    ///   - bytes: what comes next; may be empty.
    ///   - limit: no piece of content is larger.
    mutating func read(_ bytes: UnsafeRawBufferPointer, limit: Int = .max) -> Piece {
        var index = 0
        while index < bytes.count, place != .data, place != .over {
            take(bytes[index])
            if place == .broken { return index > 0 ? .framing(index) : .bad }
            index += 1
        }
        if index > 0 { return .framing(index) }
        switch place {
        case .over: return .end
        case .broken: return .bad
        case .data where !bytes.isEmpty:
            let count = min(size, bytes.count, limit)
            size -= count
            if size == 0 { place = .dataReturn }
            return .data(count)
        default: return .framing(0)
        }
    }

    private mutating func take(_ byte: UInt8) {
        switch place {
        case .size, .sizeSpace, .sizeExtension: takeSizeLine(byte)
        case .sizeFeed:
            expect(byte, .lf, then: size == 0 ? .trailerStart : .data)
            line = 0
        case .dataReturn: expect(byte, .cr, then: .dataFeed)
        case .dataFeed:
            expect(byte, .lf, then: .size)
            (digits, size, line) = (0, 0, 0)
        case .trailerStart, .trailerLine: takeTrailer(byte)
        case .trailerFeed: expect(byte, .lf, then: .trailerStart)
        case .lastFeed: expect(byte, .lf, then: .over)
        case .data, .over, .broken: break
        }
    }

    /// `1*HEXDIG [ *( BWS ";" ... ) ] CRLF`; blanks alone after the size are common, too.
    private mutating func takeSizeLine(_ byte: UInt8) {
        line += 1
        guard line <= HTTPLimits.chunkLine else {
            place = .broken
            return
        }
        if byte == .cr {
            place = digits > 0 ? .sizeFeed : .broken
        } else if place == .sizeExtension {
            if byte == .lf || byte == 0 { place = .broken }
        } else if place == .size, let digit = byte.hexDigit {
            digits += 1
            guard size <= Int.max >> 8 else {
                place = .broken
                return
            }
            size = size << 4 | digit
        } else if digits > 0, byte == UInt8(ascii: ";") {
            place = .sizeExtension
        } else if digits > 0, byte.isBlank {
            place = .sizeSpace
        } else {
            place = .broken
        }
    }

    private mutating func takeTrailer(_ byte: UInt8) {
        line += 1
        guard line <= HTTPLimits.head, byte != .lf, byte != 0 else {
            place = .broken
            return
        }
        if byte == .cr {
            place = place == .trailerStart ? .lastFeed : .trailerFeed
        } else {
            place = .trailerLine
        }
    }

    private mutating func expect(_ byte: UInt8, _ expected: UInt8, then next: Place) {
        place = byte == expected ? next : .broken
    }
}
