import Foundation
import MusterCore
import MusterSystem

/// Asks whoever sits at the terminal for a line. The terminal echoes and edits it, and Ctrl-C ends the command: nothing
/// is broken while anybody is asked.
struct PersonAsker {
    /// The longest that is waited for an answer; silence is no.
    static let patience = Duration.seconds(15 * 60)

    /// Whether somebody can be asked.
    static var isThere: Bool { Terminal.isInteractive && isatty(STDIN_FILENO) == 1 }

    private let clock = SystemTimekeeper()

    /// - Returns: what was typed, without blanks around it; nil when nobody answered in time, or input ended.
    func line(_ question: String, within limit: Duration = patience) throws -> String? {
        Terminal.write(question + " ")
        let end = clock.monotonic() + limit
        var bytes: [UInt8] = []
        while clock.monotonic() < end {
            guard try waitFor([Interest(STDIN_FILENO, .readable)], until: end)[0].contains(.readable) else {
                continue
            }
            var byte: UInt8 = 0
            guard read(STDIN_FILENO, &byte, 1) == 1 else { return nil }
            if byte == 0x0A {
                return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespaces)
            }
            if bytes.count < 4000 { bytes.append(byte) }
        }
        Terminal.line()
        return nil
    }

    /// - Returns: whether somebody said yes; nil when nobody answered.
    func yes(_ question: String) throws -> Bool? {
        while let line = try line(question + " [y/n]") {
            switch line.lowercased() {
            case "y", "yes": return true
            case "n", "no": return false
            default: Terminal.line("'\(RunbookText.visible(line))' is no answer; y or n")
            }
        }
        return nil
    }

    /// A line that is not empty; nil when nobody answered.
    func words(_ question: String) throws -> String? {
        while let line = try line(question) {
            if !line.isEmpty { return line }
            Terminal.line("it cannot be empty")
        }
        return nil
    }
}
