import MusterCore
public import MusterDrills

/// `drills/notify.yaml`.
struct NoticesForm: Formed {
    var format = 1
    var channels = Named<ChannelForm>()

    static let form = Form(
        "notify", "Who is told of what scheduled and unattended drills do.", blank: NoticesForm(),
        fields: [
            Field(required: "format", \.format, "The version of this format.", in: { $0 == 1 ? nil : "1" }),
            Field(
                required: "channels", \.channels, "Where notices go.",
                in: { $0.entries.count <= 32 ? nil : "at most 32 channels" }),
        ])
}

/// An entry of `channels:`.
struct ChannelForm: Formed {
    var webhook: String?
    var secret: String?
    var body = NoticeChannel.Body.json
    var command: [String]?
    var on = Self.standard
    var timeout = Duration.seconds(10)
    var giveUpAfter = Duration.seconds(86_400)

    static let standard = Notice.Kind.allCases.filter { $0 != .test && $0 != .start }

    static let form = Form(
        "channel", "A web server or a program that is told.", blank: ChannelForm(),
        fields: address + trying,
        check: { try $0.check() })

    private static let address: [Field<ChannelForm>] = [
        Field(
            "webhook", \.webhook, "An http or https URL that is sent a POST; or ${env:NAME}, ${file:PATH}."),
        Field(
            "secret", \.secret,
            "What it is signed with: ${env:NAME} or ${file:PATH}, never the secret itself"),
        Field(
            "body", \.body, default: .json, "json: everything; text: {\"text\": …}, as chat programs take it."
        ),
        Field(
            "command", \.command, "A program and its arguments; the notice comes as JSON on standard input."),
    ]

    private static let trying: [Field<ChannelForm>] = [
        Field(
            "on", \.on, default: ChannelForm.standard,
            "What of: start, abort, verdict, residue, missed, finding.",
            in: { $0.isEmpty ? "at least one" : nil }),
        Field(
            "timeout", \.timeout, default: .seconds(10), "For how long one try may take.",
            in: { $0 >= .milliseconds(100) && $0 <= .seconds(60) ? nil : "from 100ms to 60s" }),
        Field(
            "giveUpAfter", \.giveUpAfter, default: .seconds(86_400), "For how long it is tried.",
            in: { $0 >= .seconds(60) && $0 <= .seconds(7 * 86_400) ? nil : "from 1m to 7d" }),
    ]

    /// What only the whole can tell.
    private func check() throws {
        if (webhook == nil) == (command == nil) {
            throw FormProblem(
                webhook == nil ? "nothing says how" : "webhook and command are two ways", at: nil,
                path: webhook == nil ? "" : "command", expected: "one of webhook, command")
        }
        if webhook == nil, secret != nil || body != .json {
            throw FormProblem(
                "'secret' and 'body' belong to a webhook", at: nil, path: secret == nil ? "body" : "secret",
                expected: "webhook")
        }
        if let secret, SecretReference(secret) == nil {
            throw FormProblem(
                "the secret itself does not belong here", at: nil, path: "secret",
                expected: "${env:NAME} or ${file:PATH}")
        }
        if command?.first?.isEmpty ?? false || command?.isEmpty ?? false {
            throw FormProblem("no program is named", at: nil, path: "command", expected: "[scripts/page]")
        }
        if let url = webhook, SecretReference(url) == nil { try Self.check(url) }
    }

    private static func check(_ url: String) throws {
        if holdsPasswordInURL(url) {
            throw FormProblem(
                "a password in the URL would be shown and stored", at: nil, path: "webhook",
                expected: "${env:NAME} or ${file:PATH} for all of it")
        }
        guard url.hasPrefix("https://") || url.hasPrefix("http://"), !url.contains("${"),
            !url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F })
        else {
            throw FormProblem(
                "'\(url)' is no URL of a web server", at: nil, path: "webhook",
                expected: "https://…, or ${env:NAME} or ${file:PATH} for all of it")
        }
    }
}

/// Where a secret is to be found: `${env:NAME}` or `${file:PATH}`, and nothing around it.
public enum SecretReference: Hashable, Sendable {
    case environment(String)
    case file(String)

    public init?(_ text: String) {
        guard text.hasPrefix("${"), text.hasSuffix("}") else { return nil }
        let parts = text.dropFirst(2).dropLast().split(separator: ":", maxSplits: 1).map(String.init)
        switch parts.first {
        case "env" where parts.count == 2: self = .environment(parts[1])
        case "file" where parts.count == 2: self = .file(parts[1])
        default: return nil
        }
    }
}

/// Reads `drills/notify.yaml`.
public enum NoticeFile {
    /// - Throws: `FormProblems`.
    public static func read(_ text: String) throws -> [NoticeChannel] {
        let form = try NoticesForm(node: YamlText.tree(of: text))
        return form.channels.entries.map { entry in
            let way: NoticeChannel.Way =
                if let url = entry.item.webhook {
                    .webhook(url: url, secret: entry.item.secret, body: entry.item.body)
                } else {
                    .command(entry.item.command ?? [])
                }
            return NoticeChannel(
                name: entry.name, way: way, kinds: Set(entry.item.on), timeout: entry.item.timeout,
                giveUpAfter: entry.item.giveUpAfter)
        }
    }
}
