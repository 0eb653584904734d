import Foundation
import MusterCore
import Testing

extension EndToEndDrills {
    /// Objectives over a window after the fault, and a clock that starts at the effect.
    @Suite struct Windows {
        /// A fault whose effect shows only 700 ms after it was injected, and does the service no harm.
        private static let drill = ShortDrill.make(
            "slow-effect",
            steps: """
                  - inject: command
                    as: slow-effect
                    into: kv
                    with:
                      inject: [touch, "${scratch}/x"]
                      check: [sh, -c, "! test -e ${scratch}/x"]
                      restore: [rm, -f, "${scratch}/x"]
                      proof: [sh, -c, "[ $(( $(date +%s%N) - $(date -r ${scratch}/x +%s%N) )) -ge 700000000 ]"]
                    for: 15s
                    recovery: despite
                    clock: effective
                """,
            extra: "predict: { outage: none }"
        ).replacing(
            "rpo: 0s, integrity: strict }",
            with: "availability: { min: 50%, window: 3s }, latency: { quantile: 50%, max: 5s, window: 3s }, "
                + "degradation: 10s }")

        @Test func areObservedToTheirEndAndJudged() throws {
            let lab = try Lab()
            try lab.write(Self.drill, to: "drills/slow-effect.yaml")
            let answer = try lab.judged("run", "drills/slow-effect.yaml", "--json")
            #expect(answer.code == 0, "\(answer.all)")
            let outcome = try answer.json()
            #expect(outcome["verdict"] == "pass", "\(answer.all)")
            let objectives = try #require(outcome["objectives"]?.asList)
            #expect(
                objectives.map { $0["name"] } == ["rto", "availability", "latency", "degradation"],
                "\(answer.all)")
            #expect(objectives.allSatisfy { $0["result"] == "met" }, "\(answer.all)")

            let shown = try lab.json("show", "1")
            let injected = try #require(shown.events("injected").first?["atNanoseconds"]?.asInt)
            let effective = try #require(shown.events("effective").first?["atNanoseconds"]?.asInt)
            let stopped = try #require(shown.events("writers-stopped").first?["atNanoseconds"]?.asInt)
            #expect(effective - injected >= 600_000_000)
            // The window, and the longest that a write due in it may take.
            #expect(stopped - effective >= 3_900_000_000)
            let text = try lab.muster("show")
            #expect(
                text.output.contains("AVAILABILITY") && text.output.contains("50 % for 3 s"), "\(text.all)")
            #expect(try lab.read("runbooks/reports/1.md").contains("availability"))
            try lab.expectNothingLeft()
        }
    }
}
