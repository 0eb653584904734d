import MusterCore
import MusterDocuments
import MusterDrills
import Testing

/// A block that goes on after a command that failed, as a shell does unless it is told not to.
@Suite struct CommandSequenceTests {
    /// The lines of the file with that warning, for a block whose first line is line 4.
    private func warned(_ body: String, _ attributes: String = "\"kind\":\"check\",\"interactive\":\"false\"")
        -> [Int]
    {
        let text = "# T\n\n```sh {\"name\":\"a\",\(attributes)}\n\(body)\n```\n"
        let found = RunbookReader.examine(text, fallbackTitle: "x.md") { _ in "" }
        #expect(found.errors.isEmpty, "\(found.errors)")
        return found.warnings.filter { $0.message.contains("goes on here") }.compactMap { $0.place?.line }
    }

    @Test(arguments: [
        ("cd /srv\nrm -rf data", 5), ("cd /srv; rm -rf data", 4), ("a=$(one)\n\n# why\ntest -z \"$a\"", 7),
        ("one &&\n  two\nthree", 6), ("one || exit 1\ntwo", 5), ("sleep 1 &\nwait", 5),
        ("if one; then\n  two\n  three\nfi", 6), ("for a in 1 2\ndo\n  one\n  two\ndone", 7),
        ("while one; do two; done\nthree", 5), ("until one; do two; sleep 1; done", 4),
        ("case $a in\n  x | y)\n    one\n    two ;;\nesac", 7), ("case $a in (x) one ;; esac\ntwo", 5),
        ("f() {\n  one\n  two\n}", 6), ("f() { one; }\nf", 5), ("function f { one; }\nf", 5),
        ("(\n  cd /srv\n  rm data\n)", 6), ("one && {\n  two\n  three\n}", 6),
        ("one | while read -r a; do\n  two\n  three\ndone", 6),
        ("cat <<END\na\nb\nEND\none", 8), ("cat <<-'END'\n\ta\n\tEND\none", 7), ("cat <<<a\none", 5),
        ("a=(1 2\n  3)\none", 6), ("one 2>&1 >/dev/null\ntwo", 5), ("one < <(two; three)\nfour", 5),
        ("((a++))\none", 5), ("for ((a = 0; a < 3; a++)); do one; done\ntwo", 5),
        ("[[ $a == x && ( -n $b || $c < d ) ]]\none", 5), ("one \"$(two 'a \" b' # c )\n)\"\nthree", 6),
        ("set -x\none", 5), ("set -- -eve\none", 5), ("set -o pipefail\none", 5), ("one\nset -e\ntwo", 5),
        ("#!/bin/sh -e\none\ntwo", 6), ("if one\nthen two\nelse\n  three\n  four\nfi", 8),
        ("one \"${a:-it's}\"\ntwo", 5), ("echo 'a\nb'\none", 6), ("one \\\n  two\nthree", 6),
    ])
    func goesOn(_ body: String, _ line: Int) { #expect(warned(body) == [line], "\(body)") }

    @Test(arguments: [
        "one", "# why\none", "one \\\n  --two \\\n  --three", "one |\n  two |\n  three",
        "one &&\n\n  # why\n  two",
        "one ||\n  two", "if one; then\n  two\nelif three; then\n  four\nelse\n  five\nfi",
        "for a in $(one; two); do three || exit 1; done", "until one; do sleep 1; done",
        "case $a in\n  x) one ;;\n  y | z)\n    two\n    ;;\n  *) three ;&\nesac",
        "one || { echo no >&2; exit 1; }", "one || {\n  if two; then three; four; fi\n  exit 1\n}",
        "cat <<END\na\nb; c\nEND", "psql <<'A' && one <<B\na;\nb\nA\nc\nB", "sh -c 'one\ntwo; three'",
        "echo \"a\nb; $(one\ntwo)\"", "one `two; three`", "a=(1\n2)", "[[ $a == (x|y) ]]", "((a = 1 << 2))",
        "! one", "{ one; } >file", "(one) | two", "one >&2 2>&1 &>/dev/null", "time one",
        "one 'it\"s' \"it's\"",
        "one @(a|b) $'c\\'d; e'", "one # two; three", "one $# ; # two", "f() {\n  one\n}", "one;",
        "set -e\none\ntwo", "set -eu\none\ntwo", "# why\n\n  set -euo pipefail\none\ntwo",
        "set -o errexit\none\ntwo", "set -u -e; one\ntwo", "set +e\none\ntwo", "set +o errexit\none\ntwo",
    ])
    func isOneCommandOrSaysSo(_ body: String) { #expect(warned(body) == [], "\(body)") }

    /// What people are to do is no shell's.
    @Test func manualStepsAreLeftAlone() {
        let attributes = "\"kind\":\"manual\",\"ignore\":\"true\""
        #expect(warned("Look at it.\nThen call somebody.", attributes) == [])
        let others = ["command", "rollback", "wait", "capture\",\"into\":\"A"]
        for kind in others { #expect(warned("one\ntwo", "\"kind\":\"\(kind)\"") == [5], "\(kind)") }
    }

    /// Whatever a block holds, it is read to its end, in time.
    @Test(.timeLimit(.minutes(1)), arguments: [1, 2, 3, 4] as [UInt64])
    func anything(_ seed: UInt64) {
        let pieces = [
            "a", "if ", "then ", "fi", "for ", "do ", "done", "case ", "in ", "esac", "{ ", "}", "(", ")",
            "((",
            "$(", "${", "`", "'", "\"", "\\", "\n", ";", ";;", "&", "&&", "|", "||", "<<E", "<<-", "E\n",
            "<(",
            ">", "#", " ", "function ", "!", "[[ ", "=(", "é", "\t", "set -",
        ]
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<3000 {
            let body = (0..<Int.random(in: 1..<40, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }.joined()
            let lines = body.utf8.count { $0 == 0x0A } + 1
            let text = "```sh {\"name\":\"a\",\"kind\":\"check\"}\nx \(body)\n```\n"
            let found = RunbookReader.examine(text, fallbackTitle: "x.md") { _ in "" }
            for problem in found.warnings {
                let line = problem.place?.line ?? 1
                #expect((1...(lines + 3)).contains(line), "seed \(seed): \(body)")
            }
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            "$(", "((", "${'", "{ ", "if a;", "`\"", "<<A\n", "case a in a) ", "f() ", "a=(", "\\\n",
            "|| {\n",
        ])
    func deepThings(_ piece: String) {
        _ = warned(String(repeating: piece, count: 90_000 / piece.utf8.count))
    }
}
