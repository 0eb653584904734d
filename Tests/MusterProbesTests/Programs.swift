import Glibc
import MusterCore
import MusterDrills
import MusterSystem
import Testing

@testable import MusterProbes

/// A program that a test needs and that is not installed.
struct MissingProgram: Error, CustomStringConvertible {
    let program: String
    let package: String
    var description: String { "\(program) is missing; install it: apt install \(package)" }
}

/// A server that a test started; ends with it, also when the tests are killed.
final class TestProgram {
    private let child: Child

    init(_ argv: [String], package: String) throws {
        guard access(argv[0], X_OK) == 0 else { throw MissingProgram(program: argv[0], package: package) }
        var spawn = Spawn(argv)
        spawn.newSession = true
        spawn.deathSignal = SIGKILL
        child = try spawn.start()
    }

    deinit {
        child.killSession()
        _ = try? child.wait(for: .seconds(60))
    }
}

/// Certificates of a test's own, made by openssl(1).
struct TestCertificates {
    let folder: TemporaryFolder
    static let openssl = "/usr/bin/openssl"

    init() throws { folder = try TemporaryFolder() }

    /// Signed by itself, for `name` and 127.0.0.1, from and until so many days from now.
    /// - Returns: the file with the certificate and its key.
    func make(_ name: String, from: Int = -1, until: Int) throws -> String {
        guard access(Self.openssl, X_OK) == 0 else {
            throw MissingProgram(program: Self.openssl, package: "openssl")
        }
        let file = "\(folder.path)/\(name).pem"
        let configuration = try folder.write(
            "\(name).cnf",
            """
            [ca]
            default_ca = own
            [own]
            dir = \(folder.path)
            database = $dir/\(name).index
            new_certs_dir = $dir
            rand_serial = yes
            default_md = sha256
            policy = any
            x509_extensions = extensions
            [any]
            commonName = supplied
            [extensions]
            subjectAltName = DNS:\(name),IP:127.0.0.1
            basicConstraints = CA:TRUE
            """)
        _ = try folder.write("\(name).index", "")
        // A little more than whole days, so that the days left are the same all through a test.
        let script = """
            set -e; cd \(folder.path)
            date() { /bin/date -u -d "$1 days 1 hour" +%Y%m%d%H%M%SZ; }
            \(Self.openssl) req -new -newkey rsa:2048 -nodes -keyout \(name).key -out \(name).csr -subj /CN=\(name)
            \(Self.openssl) ca -batch -config \(configuration) -selfsign -keyfile \(name).key -in \(name).csr \
            -out \(name).crt -notext -startdate $(date \(from)) -enddate $(date \(until))
            cat \(name).crt \(name).key > \(file)
            """
        var spawn = Spawn(["/bin/sh", "-c", script])
        let output = try Descriptor(opening: folder.path + "/log", O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        spawn.output = .descriptor(output.number)
        spawn.errors = .descriptor(output.number)
        let status = try spawn.start().wait(for: .seconds(60))
        let log = (try? readSmallFile(folder.path + "/log")) ?? nil
        try #require(status == .exited(0), "openssl: \(log ?? "")")
        return file
    }

    /// A web server that speaks TLS, `openssl s_server`.
    func serve(_ certificate: String) throws -> (program: TestProgram, port: UInt16) {
        let port = try closedPort()
        let program = try TestProgram(
            [
                Self.openssl, "s_server", "-accept", "127.0.0.1:\(port)", "-cert", certificate, "-quiet",
                "-www",
            ], package: "openssl")
        #expect(try eventually { try attempt(TCPProbe("127.0.0.1:\(port)"), timeout: .seconds(60)).isUp })
        return (program, port)
    }
}
