import Foundation
import Testing

@testable import MusterProxy

/// docs/PROXY.md keeps up with the catalogue.
struct DocumentTests {
    @Test func tellsOfEveryToxicAndAttribute() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/PROXY.md")
        let rows = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter {
            $0.hasPrefix("|")
        }
        for toxic in ToxicCatalog.all {
            let row = rows.first {
                $0.prefix { $0 != "–" }.split(separator: "|").first?.contains("`\(toxic.type)`") == true
            }
            let text = try #require(row, "docs/PROXY.md has no row for \(toxic.type)")
            for attribute in toxic.attributes {
                #expect(
                    text.contains("`\(attribute.name)`"),
                    "\(toxic.type): \(attribute.name) is missing in docs/PROXY.md")
            }
        }
    }
}
