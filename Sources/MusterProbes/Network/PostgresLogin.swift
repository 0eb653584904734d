import Glibc
import MusterCore

/// A server's address with who asks it: what a connection needs to know.
struct PostgresLogin: Sendable {
    let hosts: [PostgresAddress.Host]
    private let settings: [String: String]

    /// - Parameter application: as which the server lists the connection (`pg_stat_activity`).
    /// - Throws: `MeasuringError` when libpq is missing, or would wait for somebody, or would complain for ever.
    init(_ text: String, password: String?, application: String) throws {
        let address: PostgresAddress
        do throws(PostgresAddress.Problem) {
            address = try PostgresAddress(text)
        } catch {
            throw MeasuringError.configuration("postgres: expected \(error.expected)")
        }
        if let why = PostgresConnection.missing() { throw MeasuringError.library(why) }
        if getenv("PGSERVICE") != nil {
            throw MeasuringError.configuration(
                "postgres: PGSERVICE is set, and reading a service may wait for the network; unset it and give the "
                    + "address in the drill")
        }
        hosts = address.hosts
        var settings = address.settings
        // libpq would look the name up at every connection, which may wait for a directory service.
        settings["user"] = settings["user"] ?? Self.variable("PGUSER") ?? Self.ownName()
        settings["password"] = password
        settings["application_name"] = application
        settings["client_encoding"] = "UTF8"
        // Encrypting with Kerberos waits for its servers.
        settings["gssencmode"] = "disable"
        self.settings = settings
        if password == nil { try Self.check(passwordFile: settings["passfile"]) }
    }

    /// - Parameter located: hosts with their numbers, empty for sockets.
    func conninfo(_ located: [(host: PostgresAddress.Host, number: String)]) -> String {
        var words = settings
        // The name beside its number: certificates and password files go by it.
        words["host"] = located.map(\.host.name).joined(separator: ",")
        words["port"] = located.map { String($0.host.port) }.joined(separator: ",")
        words["hostaddr"] = located.map(\.number).joined(separator: ",")
        return words.sorted { $0.key < $1.key }
            .map { "\($0.key)='\($0.value.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'" }
            .joined(separator: " ")
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func ownName() -> String? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var room = [CChar](repeating: 0, count: 4096)
        guard getpwuid_r(geteuid(), &entry, &room, room.count, &found) == 0, found != nil,
            let name = entry.pw_name
        else { return nil }
        return String(cString: name)
    }

    /// libpq passes over a password file that others may read, and says so on standard error at every connection.
    private static func check(passwordFile given: String?) throws {
        let path = given ?? variable("PGPASSFILE") ?? variable("HOME").map { "\($0)/.pgpass" }
        var status = stat()
        guard let path, stat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o077 == 0 else {
            throw MeasuringError.configuration(
                "postgres: libpq does not use the password file \(path): it must be a plain file that only its owner "
                    + "can read; chmod 0600 \(path)")
        }
    }
}
