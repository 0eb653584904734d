/// Writes JSON as Go's `encoding/json` does: no spaces, `<`, `>` and `&` escaped, numbers in the shortest form
/// that gives the same value back.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []

    mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// The name of a field, with its colon; `first` is false when a comma must stand before it.
    mutating func name(_ name: String, first: Bool = false) {
        if !first { bytes.append(UInt8(ascii: ",")) }
        text(name)
        bytes.append(UInt8(ascii: ":"))
    }

    /// What stands between the elements of a list or an object.
    mutating func comma() { bytes.append(UInt8(ascii: ",")) }

    mutating func integer(_ value: some BinaryInteger) { bytes += Array(String(value).utf8) }

    mutating func flag(_ value: Bool) { raw(value ? "true" : "false") }

    /// - Parameter value: finite.
    mutating func number(_ value: Float) {
        bytes += Array(goNumber(value.description, magnitude: Double(value.magnitude), bits: 32).utf8)
    }

    /// - Parameter value: finite.
    mutating func number(_ value: Double) {
        bytes += Array(goNumber(value.description, magnitude: value.magnitude, bits: 64).utf8)
    }

    mutating func text(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": raw(#"\""#)
            case "\\": raw(#"\\"#)
            case "\n": raw(#"\n"#)
            case "\r": raw(#"\r"#)
            case "\t": raw(#"\t"#)
            case "\u{08}": raw(#"\b"#)
            case "\u{0C}": raw(#"\f"#)
            case "<", ">", "&", "\u{00}"..."\u{1F}":
                raw(#"\u00"#)
                bytes += Array(hexadecimal(UInt8(scalar.value)).utf8)
            case "\u{2028}": raw(#"\u2028"#)
            case "\u{2029}": raw(#"\u2029"#)
            default: bytes += Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func value(_ value: AttributeValue) {
        switch value {
        case .integer(let number): integer(number)
        case .number(let value): number(value)
        case .text(let value): text(value)
        case .flag(let value): flag(value)
        case .list(let values):
            raw("[")
            for (index, value) in values.enumerated() {
                if index > 0 { comma() }
                text(value)
            }
            raw("]")
        }
    }
}

/// A number from Swift's shortest form into Go's: with an exponent only below 1e-6 and from 1e21 on, and without
/// `.0` (`encoding/json`, `floatEncoder`).
private func goNumber(_ description: String, magnitude: Double, bits: Int) -> String {
    let negative = description.hasPrefix("-")
    let parts = description.drop { $0 == "-" }.split(separator: "e")
    let mantissa = parts[0].split(separator: ".")
    var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let fraction = mantissa.count > 1 && mantissa[1] != "0" ? String(mantissa[1]) : ""
    exponent += mantissa[0].count
    // The value is 0.DIGITS times ten to the power of `exponent`.
    var digits = String(mantissa[0]) + fraction
    let leading = digits.prefix { $0 == "0" }.count
    digits.removeFirst(leading)
    exponent -= leading
    while digits.hasSuffix("0") { digits.removeLast() }
    let sign = negative ? "-" : ""
    guard !digits.isEmpty else { return sign + "0" }

    let below = bits == 32 ? Double(Float(1e-6)) : 1e-6
    let beyond = bits == 32 ? Double(Float(1e21)) : 1e21
    if magnitude < below || magnitude >= beyond {
        let rest = digits.dropFirst()
        let power = exponent - 1
        return sign + digits.prefix(1) + (rest.isEmpty ? "" : "." + rest)
            + (power < 0 ? "e-\(-power)" : "e+\(power)")
    }
    if exponent <= 0 { return sign + "0." + String(repeating: "0", count: -exponent) + digits }
    if digits.count <= exponent {
        return sign + digits + String(repeating: "0", count: exponent - digits.count)
    }
    return sign + digits.prefix(exponent) + "." + digits.dropFirst(exponent)
}
