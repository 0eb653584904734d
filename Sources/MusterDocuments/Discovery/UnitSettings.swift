public import MusterCore

/// What the files of a systemd unit say about starting a service again (systemd.service(5)).
///
/// The files are read instead of asking systemd, so that this works where it does not run, and so that a drill can
/// name where its figures come from. A changed file that nobody told systemd about (`daemon-reload`) is taken at its
/// word; `muster plan` asks systemd itself.
public struct UnitSettings: Hashable, Sendable {
    /// Such as `postgresql@15-main.service`.
    public var unit: String
    /// The unit's own file, then those that change it.
    public var files: [String]
    /// `Restart=`; `no` when nothing is said.
    public var restart = "no"
    /// `RestartSec=`: the pause before it is started again.
    public var delay = Duration.milliseconds(100)
    /// `TimeoutStartSec=`; nil: for ever.
    public var startTimeout: Duration? = .seconds(90)
    /// `PIDFile=`, with its specifiers replaced.
    public var pidFile: String?
    /// `StartLimitBurst=` starts within `StartLimitIntervalSec=` are the most before systemd gives up.
    public var burst = 5
    public var interval = Duration.seconds(10)
    /// Statuses that keep it from being started again, count as a clean end, or make it start whatever `Restart=` says.
    var prevented: [String] = []
    var clean: [String] = []
    var forced: [String] = []

    /// Whether systemd starts it again when its process was killed with SIGKILL.
    public var restartsAfterKill: Bool {
        let isKill = { (words: [String]) in words.contains { $0 == "KILL" || $0 == "SIGKILL" } }
        if isKill(prevented) { return false }
        if isKill(forced) { return true }
        return switch restart {
        case "always": true
        case "on-failure", "on-abnormal", "on-abort": !isKill(clean)
        case "on-success": isKill(clean)
        default: false
        }
    }

    /// For people: `Restart=always, RestartSec=100ms (/lib/systemd/system/redis-server.service)`.
    public var inWords: String {
        "Restart=\(restart), RestartSec=\(delay.unitsText) (\(files.joined(separator: ", ")))"
    }

    /// Where units are looked for, the most important first (systemd.unit(5)).
    static let directories = [
        "/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
        "/run/systemd/generator.early", "/etc/systemd/system", "/run/systemd/system",
        "/run/systemd/generator",
        "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
        "/run/systemd/generator.late",
    ]

    /// - Returns: nil when no file of that unit can be read.
    public init?(_ unit: String, on host: any HostReader) {
        let name = UnitName(unit)
        guard
            let own = [unit, name.template].compactMap({ $0 }).lazy.compactMap({ Self.first($0, host) }).first
        else { return nil }
        var text = UnitText()
        for manager in Self.managerFiles(host) { text.add(manager.text) }
        text.add(own.text)
        let changes = Self.changes(name, host)
        for change in changes { text.add(change.text) }
        self.unit = unit
        files = [own.path] + changes.map(\.path)
        restart = text["Service.Restart"] ?? "no"
        let delays = [text["Service.RestartSec"], text["Manager.DefaultRestartSec"]]
        delay = Self.span(delays) ?? .milliseconds(100)
        startTimeout = Self.startTimeout(text)
        pidFile = text["Service.PIDFile"].map { name.replacingSpecifiers(in: $0) }
            .map { $0.hasPrefix("/") ? $0 : "/run/" + $0 }
        burst =
            [text["Unit.StartLimitBurst"], text["Manager.DefaultStartLimitBurst"]]
            .compactMap { $0.flatMap { Int($0) } }.first ?? 5
        let intervals = [text["Unit.StartLimitIntervalSec"], text["Manager.DefaultStartLimitIntervalSec"]]
        interval = Self.span(intervals) ?? .seconds(10)
        prevented = text.words("Service.RestartPreventExitStatus")
        clean = text.words("Service.SuccessExitStatus")
        forced = text.words("Service.RestartForceExitStatus")
    }

    private static func span(_ texts: [String?]) -> Duration? {
        texts.lazy.compactMap { $0.flatMap { TimeSpan($0) }?.duration }.first
    }

    /// 0 is the same as for ever; a oneshot has no limit of its own.
    private static func startTimeout(_ text: UnitText) -> Duration? {
        let given = [
            text["Service.TimeoutStartSec"] ?? text["Service.TimeoutSec"],
            text["Manager.DefaultTimeoutStartSec"],
        ]
        guard let first = given.compactMap({ $0 }).first else {
            return text["Service.Type"] == "oneshot" ? nil : .seconds(90)
        }
        guard let span = TimeSpan(first)?.duration, span > .zero else { return nil }
        return span
    }

    private typealias File = (path: String, text: String)

    private static func read(_ path: String, _ host: any HostReader) -> File? {
        guard let bytes = try? host.contents(of: path), !bytes.isEmpty else { return nil }
        return (path, String(decoding: bytes, as: UTF8.self))
    }

    private static func first(_ name: String, _ host: any HostReader) -> File? {
        directories.lazy.compactMap { read("\($0)/\(name)", host) }.first
    }

    /// Drop-ins by their names, whatever directory they lie in; of two with one name the more important counts.
    private static func changes(_ name: UnitName, _ host: any HostReader) -> [File] {
        var found: [String: String] = [:]
        for folder in name.dropInFolders.reversed() {
            for directory in directories.reversed() {
                let path = "\(directory)/\(folder)"
                for file in ((try? host.list(path)) ?? nil) ?? [] where file.hasSuffix(".conf") {
                    found[file] = "\(path)/\(file)"
                }
            }
        }
        return found.sorted { $0.key < $1.key }.compactMap { read($0.value, host) }
    }

    private static func managerFiles(_ host: any HostReader) -> [File] {
        var paths = ["/etc/systemd/system.conf"]
        for directory in ["/usr/lib/systemd/system.conf.d", "/etc/systemd/system.conf.d"] {
            paths += (((try? host.list(directory)) ?? nil) ?? []).filter { $0.hasSuffix(".conf") }
                .map { "\(directory)/\($0)" }
        }
        return paths.compactMap { read($0, host) }
    }
}

/// A unit's name and what follows from it (systemd.unit(5)).
struct UnitName {
    let full: String
    private let stem: String
    private let suffix: String

    init(_ full: String) {
        self.full = full
        let dot = full.lastIndex(of: ".") ?? full.endIndex
        stem = String(full[..<dot])
        suffix = String(full[dot...])
    }

    private var at: String.Index? { stem.firstIndex(of: "@") }
    /// `postgresql@.service` of `postgresql@15-main.service`.
    var template: String? { at.map { stem[...$0] + suffix } }
    /// As it is written in the name.
    var instance: String { at.map { String(stem[stem.index(after: $0)...]) } ?? "" }

    /// Folders of files that change it, the most important first: its own, its template's, those of the prefixes of
    /// its name (`foo-.service.d`), and that of all units of its type.
    var dropInFolders: [String] {
        var folders = [full + ".d"]
        if let template { folders.append(template + ".d") }
        let prefix = at.map { stem[..<$0] } ?? stem[...]
        for index in prefix.indices.reversed()
        where prefix[index] == "-" && prefix.index(after: index) < prefix.endIndex {
            folders.append(prefix[...index] + suffix + ".d")
        }
        return folders + [suffix.dropFirst() + ".d"]
    }

    /// The specifiers that paths use: `%i`, `%I`, `%n`, `%N`, `%p`, `%t` and `%%`.
    func replacingSpecifiers(in text: String) -> String {
        var result = ""
        var rest = text[...]
        while let sign = rest.firstIndex(of: "%"), let after = rest[sign...].dropFirst().first {
            result += rest[..<sign]
            rest = rest[sign...].dropFirst(2)
            result += replacement(of: after)
        }
        return result + rest
    }

    private func replacement(of specifier: Character) -> String {
        switch specifier {
        case "i": instance
        case "I": Self.unescaped(instance)
        case "n": full
        case "N": stem
        case "p": at.map { String(stem[..<$0]) } ?? stem
        case "t": "/run"
        case "%": "%"
        default: "%\(specifier)"
        }
    }

    /// `-` stands for `/`, and `\x2d` for what is meant (systemd-escape(1)).
    static func unescaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "x"), rest.count > 2,
                let value = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte == UInt8(ascii: "-") ? UInt8(ascii: "/") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
