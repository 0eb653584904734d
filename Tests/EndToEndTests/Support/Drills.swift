/// Drills that are as short as they may be, for what is about everything but the measurement.
enum ShortDrill {
    /// The service suspended for some time. `hold` long: until somebody lifts it.
    static func pause(for hold: String) -> String {
        make(
            "short-pause",
            steps: """
                  - inject: process-pause
                    as: hang
                    into: kv
                    for: \(hold)
                    recovery: after
                """)
    }

    /// A slow network and a cut, one after the other, between the service and its clients.
    static let throughProxy = proxied(
        slow(for: "1500ms") + """

              - inject: proxy-down
                as: cut
                into: net
                for: 300ms
                recovery: after
            """)

    /// A slow network alone.
    static func slowNetwork(for hold: String) -> String { proxied(slow(for: hold)) }

    private static func slow(for hold: String) -> String {
        """
          - inject: proxy-latency
            as: slow
            into: net
            with: { latency: 30ms, speaks: http }
            for: \(hold)
            recovery: after
        """
    }

    private static func proxied(_ steps: String) -> String {
        make("short-proxy", steps: steps).replacing(
            "targets: { kv: { fixture: kv } }",
            with: """
                  net: { proxy: { listen: "127.0.0.1:${port:net}", upstream: "127.0.0.1:${port:kv}" } }
                targets: { net: { proxy: { fixture: net } } }
                """
        ).replacing("127.0.0.1:${port:kv}/kv/", with: "127.0.0.1:${port:net}/kv/")
            .replacing("every: 20ms, timeout: 500ms", with: "every: 20ms, timeout: 500ms, slow: 400ms")
    }

    static let kill = make(
        "short-kill",
        steps: """
              - inject: process-kill
                as: crash
                into: kv
            """)

    /// - Parameters:
    ///   - service: what runs besides its port.
    ///   - extra: further top-level lines.
    static func make(
        _ name: String, steps: String, service: String = "--data, \"${scratch}/kv\"",
        restart: String = "{ always: 100ms }",
        rto: String = "{ max: 5s, from: fault }", rate: String = "100/s", extra: String = ""
    ) -> String {
        """
        format: 1
        drill: \(name)
        environment: lab
        failureMode: process-crash
        \(extra)
        objectives: { rto: \(rto), rpo: 0s, integrity: strict }
        fixtures:
          kv:
            run: [sample-service, --port, "${port:kv}", \(service)]
            restart: \(restart)
            ready: { http: "http://127.0.0.1:${port:kv}/health", within: 10s }
        targets: { kv: { fixture: kv } }
        probes:
          health: { http: "http://127.0.0.1:${port:kv}/health", every: 20ms, timeout: 500ms }
        workloads:
          writes: { http: "http://127.0.0.1:${port:kv}/kv/{key}", writers: 4, rate: \(rate), timeout: 1s }
        steady: { for: 300ms, success: 100% }
        steps:
        \(steps)
        recovered: { stable: 500ms, within: 20s }
        abort: { after: 60s }
        """
    }
}
