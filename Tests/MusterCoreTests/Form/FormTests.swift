import MusterCore
import MusterDrills
import Testing

private struct Sample: Formed, Equatable {
    enum Colour: String, FormWord { case red, green }
    var name = ""
    var wait: Duration = .seconds(1)
    var colour: Colour?
    var sizes: [ByteCount] = []
    var rates: [String: Rate] = [:]
    var part: Part?

    struct Part: Formed, Equatable {
        var share = Percentage(millionths: 0)
        static let form = Form(
            "part", "A part.", blank: Part(), fields: [Field(required: "share", \.share, "How much.")])
    }

    static let form = Form(
        "sample", "A sample.", blank: Sample(),
        fields: [
            Field(required: "name", \.name, "Its name."),
            Field(
                "wait", \.wait, default: .seconds(1), "How long.",
                in: { $0 <= .seconds(60) ? nil : "at most 1m" }),
            Field("colour", \.colour, "Its colour."),
            Field("sizes", \.sizes, default: [], "Sizes."),
            Field("rates", \.rates, default: [:], "Rates."),
            Field("part", \.part, "A part."),
        ],
        check: { sample in
            if sample.name == "bad" { throw FormProblem("a bad name", at: nil, path: "name") }
        })
}

@Suite struct FormTests {
    private func node(_ pairs: [(String, FormNode.Content)]) -> FormNode {
        FormNode(
            .map(
                pairs.enumerated().map { index, pair in
                    FormNode.Entry(
                        key: pair.0, keyPlace: Place(line: index + 1, column: 1),
                        value: FormNode(pair.1, place: Place(line: index + 1, column: 9)))
                }), place: Place(line: 1, column: 1))
    }

    private func problems(_ pairs: [(String, FormNode.Content)]) -> [FormProblem] {
        do {
            _ = try Sample(node: node(pairs))
            return []
        } catch {
            return (error as? FormProblems)?.problems ?? []
        }
    }

    @Test func whatIsLeftOutHasItsDefault() throws {
        #expect(try Sample(node: node([("name", .scalar("x"))])) == Sample(name: "x"))
    }

    @Test func encodingAndDecodingAreInverse() throws {
        let sample = Sample(
            name: "x", wait: .milliseconds(1500), colour: .green, sizes: [ByteCount(1 << 20), ByteCount(7)],
            rates: ["a": Rate(perSecondThousandths: 500_500)],
            part: .init(share: Percentage(millionths: 999_500)))
        #expect(try Sample(node: FormNode(Sample.form.encode(sample))) == sample)
        #expect(try Sample(node: FormNode(Sample.form.encode(Sample(name: "y")))) == Sample(name: "y"))
    }

    @Test func everyProblemIsFoundAndPlaced() {
        let found = problems([
            ("nmae", .scalar("x")), ("wait", .scalar("5")), ("colour", .scalar("gren")),
            ("sizes", .list([FormNode(.scalar("1")), FormNode(.scalar("1KiB")), FormNode(.scalar("x"))])),
            ("part", .map([])),
        ])
        #expect(
            found.map(\.path) == [
                "", "", "wait", "colour", "sizes[0]", "sizes[1]".replacing("1", with: "2"), "part",
            ])
        #expect(found[0].nearest == "name" && found[0].place == Place(line: 1, column: 1))
        #expect(found[1].message == "'name' is missing")
        #expect(found[2].place == Place(line: 2, column: 9) && found[2].expected?.contains("250ms") == true)
        #expect(found[3].nearest == "green")
        #expect(found[6].message == "'share' is missing")
    }

    @Test func rangesAndRulesBetweenFieldsAreChecked() {
        #expect(problems([("name", .scalar("x")), ("wait", .scalar("61s"))]).first?.expected == "at most 1m")
        let bad = problems([("wait", .scalar("1s")), ("name", .scalar("bad"))])
        #expect(bad.map(\.message) == ["a bad name"] && bad[0].place == Place(line: 2, column: 9))
    }

    @Test func somethingElseThanAMappingIsRefused() {
        #expect(throws: FormProblems.self) { try Sample(node: FormNode(.scalar("x"))) }
        #expect(throws: FormProblems.self) { try Sample(node: FormNode(.list([]))) }
    }

    @Test func theDescriptionSaysWhatTheDecoderDoes() {
        let fields = Sample.form.description.fields
        #expect(fields.map(\.name) == ["name", "wait", "colour", "sizes", "rates", "part"])
        #expect(fields.map(\.isRequired) == [true, false, false, false, false, false])
        #expect(fields[1].defaultText == "1s" && fields[1].shape == .duration)
        #expect(fields[2].shape == .words(["red", "green"]) && fields[3].shape == .list(.size))
    }

    @Test(arguments: [
        ("evry", "every"), ("siganl", "signal"), ("Every", "every"), ("xyz", nil), ("ever", "every"),
    ])
    func nearestWords(_ word: String, _ expected: String?) {
        #expect(nearestWord(to: word, among: ["every", "signal", "timeout"]) == expected)
    }
}
