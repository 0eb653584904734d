import MusterCore
import Testing

extension EndToEndDrills {
    /// What programs of a drill put into temporary directories goes with its scratch, however they end.
    @Suite struct TemporaryFiles {
        private static let runbook =
            """
            ---
            shell: bash
            muster: { id: litter, owner: me, vars: { out: { required: true } } }
            ---
            # Litter

            ```sh {"name":"litter","kind":"command","timeout":"20s","rollback":"none","excludeFromRunAll":"true","interactive":"false"}
            mktemp >"$out/step"
            ```
            """

        private static func drill(_ out: String) -> String {
            ShortDrill.kill.replacing(
                "targets: { kv",
                with: """
                      littering:
                        run: [bash, -c, 'mktemp >\(out)/fixture; stat -c %a "$TMPDIR" >\(out)/mode; exec sleep infinity']
                        ready: { file: "\(out)/mode" }
                      own:
                        run: [bash, -c, 'mktemp >\(out)/own; exec sleep infinity']
                        env: { TMPDIR: "\(out)" }
                        ready: { file: "\(out)/own" }
                    targets: { kv
                    """
            ).replacing(
                "abort: {",
                with: """
                    after:
                      - runbook: litter.md
                        vars: { out: "\(out)" }
                    abort: {
                    """)
        }

        @Test func goWithTheScratch() throws {
            let lab = try Lab()
            let out = lab.directory + "/said"
            try lab.shell("mkdir \(out)")
            try lab.write(Self.runbook, to: "runbooks/litter.md")
            try lab.write(Self.drill(out), to: "drills/litter.yaml")
            let answer = try lab.judged("run", "drills/litter.yaml")
            #expect(answer.code == 0, "\(answer.all)")
            let scratch = lab.scratch(of: try #require(lab.runs().first))
            for who in ["fixture", "step"] {
                let made = try lab.shell("cat \(out)/\(who)")
                #expect(made.hasPrefix("\(scratch)/.tmp/"), "\(who): \(made)")
                #expect(!lab.exists(made), "\(who): \(made)")
            }
            // Fixtures may run as other users.
            #expect(try lab.shell("cat \(out)/mode") == "1777")
            #expect(try lab.shell("cat \(out)/own").hasPrefix(out), "what a fixture says itself comes first")
            try lab.expectNothingLeft()
        }
    }
}
