import Glibc

/// Which name server this machine asks.
enum NameServers {
    /// The first one of /etc/resolv.conf, read anew each time; where it names none, this machine (resolv.conf(5)).
    static func first(of file: String = "/etc/resolv.conf") -> Endpoint? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let descriptor = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        var count = 0
        if descriptor >= 0 {
            count = max(0, read(descriptor, &buffer, buffer.count))
            close(descriptor)
        }
        for line in buffer[..<count].split(separator: UInt8(ascii: "\n")) {
            let words = String(decoding: line, as: UTF8.self).split { $0 == " " || $0 == "\t" }
            if words.count >= 2, words[0] == "nameserver" { return endpoint(String(words[1])) }
        }
        return endpoint("127.0.0.1")
    }

    /// A number with a port or without: `10.0.0.2`, `10.0.0.2:5353`, `fe80::1`, `[fe80::1]:5353`.
    static func endpoint(_ text: String) -> Endpoint? {
        let isBareSix =
            text.contains(where: { $0 == ":" }) && !text.hasPrefix("[")
            && text.split(
                separator: ":", omittingEmptySubsequences: false
            ).count > 2
        guard let endpoint = Endpoint(isBareSix ? "[\(text)]" : text, defaultPort: 53),
            !Resolver.numeric(endpoint).isEmpty
        else { return nil }
        return endpoint
    }
}
