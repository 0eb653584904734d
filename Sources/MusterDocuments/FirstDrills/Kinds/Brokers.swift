import MusterCore

extension KindTemplate {
    static func etcd(_ service: FoundService) -> KindTemplate {
        let scheme = service.answer == .tls ? "https" : "http"
        let url = "\(scheme)://\(service.address.text)/health"
        let isPlain = scheme == "http"
        return KindTemplate(
            probe: isPlain
                ? "http: \(yamlText(url, quoted: true)), json: { /health: \"true\" }"
                : connecting(to: service.address),
            probeNotes: isPlain
                ? [
                    "/health is \"true\" only while this member has a leader: with two of three members down it says so."
                ]
                : ["It speaks TLS and may want a certificate of its clients, so this probe only connects."],
            workload: [
                "# There is no workload of its own for it. One would write keys among yours, so it is yours to write:",
                "# `exec: [PROGRAM]`, docs/EXEC_WORKLOAD.md.",
            ],
            startAllowance: .seconds(10),
            waits: isPlain && service.tools.contains("curl")
                ? "curl -fsSg --max-time 2 \(shellQuoted(url)) | grep -q '\"health\":\"true\"'"
                : connects(to: service.address),
            waitNote: "A member is healthy once it follows a leader.",
            losses: "etcd acknowledges what a majority has on its disks")
    }

    /// The header of AMQP 0-9-1, which is answered with a frame of type 1, Connection.Start (AMQP 0-9-1, sections 2.2.4 and
    /// 2.3.5), where it was answered; a port with TLS does not.
    static func rabbitmq(_ service: FoundService) -> KindTemplate {
        let asks = Conversation(
            says: #"AMQP\000\000\011\001"#, hears: "head -c 1 <&3 | od -An -tx1 | grep -q 01")
        let words = service.answer == .amqp ? asks.words(to: service) : nil
        return KindTemplate(
            probe: words.map { "exec: \(yamlList($0))" } ?? connecting(to: service.address),
            probeNotes: [
                words == nil
                    ? "It only connects."
                    : "It begins a conversation and hangs up; the broker's log has a warning for each.",
                "That a queue takes messages is another question. rabbitmq-diagnostics asks more, and takes seconds of a",
                "processor for each look.",
            ],
            every: words == nil ? "50ms" : "500ms", timeout: words == nil ? "500ms" : "2s",
            workload: [
                "# There is no workload of its own for it. One with publisher confirms needs a login and a queue, so it is yours",
                "# to write: `exec: [PROGRAM]`, docs/EXEC_WORKLOAD.md.",
            ],
            startAllowance: .seconds(40), waits: waits(words, service.address),
            waitNote: "The port opens once the broker has started; queues may still be synchronising.",
            losses: "messages without publisher confirms, and those in classic queues that are not durable")
    }

    /// `version` (protocol.txt) where it was answered; a server that wants a login or TLS does not.
    static func memcached(_ service: FoundService) -> KindTemplate {
        let asks = Conversation(
            says: #"version\r\n"#, hears: "read -r -t 1 line <&3 && [[ $line == VERSION* ]]")
        let words = service.answer == .memcached ? asks.words(to: service) : nil
        return KindTemplate(
            probe: words.map { "exec: \(yamlList($0))" } ?? connecting(to: service.address),
            probeNotes: [
                words == nil
                    ? "It only connects: an empty cache is a good one."
                    : "It asks for the version; an empty cache is a good one."
            ],
            every: words == nil ? "50ms" : "200ms", timeout: words == nil ? "500ms" : "2s",
            // Under a supervisor it is back within 20 ms.
            glance: words != nil && service.comesBack
                ? "{ \(connecting(to: service.address)), every: 10ms, timeout: 500ms }" : nil,
            workload: [
                "# No workload: memcached promises to keep nothing. What the drill should show is that the services before it",
                "# stand an empty cache: add a probe of one of them, and `latency:` under `objectives:`.",
            ],
            startAllowance: .seconds(5), waits: waits(words, service.address),
            waitNote: "It is empty when it is back.", losses: "everything, and that is no fault of it")
    }
}
