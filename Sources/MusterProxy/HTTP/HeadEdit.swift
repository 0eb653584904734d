internal import NIOCore

/// A change to the head of a message. Lines that it does not name stay as they are, byte by byte.
struct HeadEdit: Sendable, Equatable {
    struct Field: Sendable, Equatable {
        var name: String
        var value: String
    }

    /// Of an answer.
    var status: Int?
    /// Lines with these names go.
    var removed: [String] = []
    /// They come last, in place of lines of the same name.
    var set: [Field] = []

    var isNothing: Bool { status == nil && removed.isEmpty && set.isEmpty }

    /// Replaces a field, or adds it.
    mutating func set(_ name: String, _ value: String) {
        set.removeAll { $0.name.lowercased() == name.lowercased() }
        set.append(Field(name: name, value: value))
    }

    /// - Parameter bytes: a head that has been understood.
    func apply(to bytes: UnsafeRawBufferPointer) -> ByteBuffer {
        var out = ByteBuffer()
        let firstLine = bytes.part(0..<(bytes.position(of: .lf) ?? bytes.count - 1) + 1)
        if let status {
            out.writeString(Self.statusLine(status, minor: firstLine[7]))
        } else {
            out.writeBytes(firstLine)
        }
        let gone = (removed + set.map(\.name)).map { $0.utf8.map(\.lowercased) }
        for line in FieldLines(bytes)
        where !gone.contains(where: { $0.elementsEqual(line.name.lazy.map(\.lowercased)) }) {
            out.writeBytes(line.whole)
        }
        writeFields(to: &out)
        return out
    }

    /// A head made of nothing but this.
    func answerHead() -> ByteBuffer {
        var out = ByteBuffer(string: Self.statusLine(status ?? 200, minor: UInt8(ascii: "1")))
        writeFields(to: &out)
        return out
    }

    private func writeFields(to out: inout ByteBuffer) {
        for field in set { out.writeString("\(field.name): \(field.value)\r\n") }
        out.writeString("\r\n")
    }

    /// With the reason phrase that is registered for the status, or none (RFC 9112, 4).
    private static func statusLine(_ status: Int, minor: UInt8) -> String {
        let reason = ReasonPhrases.phrase(status)
        return "HTTP/1.\(minor == UInt8(ascii: "0") ? 0 : 1) \(status) \(reason)\r\n"
    }
}
