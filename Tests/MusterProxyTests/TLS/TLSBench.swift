import Foundation
import NIOCore
import Testing

@testable import MusterProxy

/// A server that speaks TLS before the real proxy, and programs that speak it as clients, in one Python process that
/// is told what to do line by line.
final class TLSBench: Sendable {
    /// The server says back what it is told; a request of HTTP it answers with `ok`, and `who?` with the name and
    /// the protocol that it was asked for.
    private static let script = """
        import base64, json, os, re, select, socket, ssl, subprocess, sys, tempfile, threading, time
        folder = tempfile.TemporaryDirectory()
        key, own, ca = (os.path.join(folder.name, name) for name in ("key", "own", "ca"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", key, "-out", own, "-subj", "/CN=the real server", "-days", "30"],
            check=True, stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own, key)
        context.set_alpn_protocols(["http/1.1"])
        names = {}
        context.sni_callback = lambda tls, name, _: names.__setitem__(tls, name)
        def serve(raw, plain):
            try:
                tls = raw if plain else context.wrap_socket(raw, server_side=True)
                name = names.pop(tls, None)
                while data := tls.recv(65536):
                    if data == b"who?":
                        data = f"{name} {tls.selected_alpn_protocol()} {tls.version()}".encode()
                    if data.startswith(b"GET "):
                        tls.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
                    else:
                        tls.sendall(data)
                (raw if plain else tls.unwrap()).close()
            except OSError:
                raw.close()
        def listen(plain):
            listener = socket.create_server(("127.0.0.1", 0))
            def accept():
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0], plain), daemon=True).start()
            threading.Thread(target=accept, daemon=True).start()
            return listener.getsockname()[1]
        name = "service.test"
        def connect(port, limit=60, trust=True, protocols=None, name=name):
            client = ssl.create_default_context(cafile=ca)
            if not trust:
                client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
            if protocols:
                client.set_alpn_protocols(protocols)
            raw = socket.create_connection(("127.0.0.1", port), timeout=limit)
            try:
                return client.wrap_socket(raw, server_hostname=name)
            except BaseException:
                raw.close()
                raise
        def tell(tls, text):
            tls.sendall(text.encode())
            return tls.recv(65536).decode()
        def python(port, **more):
            try:
                with connect(port, **more) as tls:
                    return tell(tls, "who?")
            except ssl.SSLCertVerificationError as problem:
                return problem.verify_message
            except OSError as problem:
                return type(problem).__name__
        def run(*words):
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            return done.returncode, done.stdout
        def curl(port):
            code, text = run(
                "curl", "-s", "--noproxy", "*", "--max-time", "60", "--cacert", ca,
                "--resolve", f"{name}:{port}:127.0.0.1", "-w", " %{ssl_verify_result}", f"https://{name}:{port}/")
            return f"{code} {text.strip()}"
        def openssl(port):
            _, text = run(
                "openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name, "-verify_hostname",
                name, "-CAfile", ca, "-verify_return_error")
            found = re.search("verify error:num=(.*)", text) or re.search("Verification: (OK)", text)
            return found.group(1) if found else text
        def bulk(port, size):
            sent, at, got = os.urandom(size), 0, bytearray()
            with connect(port) as tls:
                # By one thread: OpenSSL lets no two use one connection, not even one for each direction.
                tls.setblocking(False)
                until = time.monotonic() + 60
                while len(got) < size and time.monotonic() < until:
                    waits = 0
                    try:
                        at += tls.send(memoryview(sent)[at:at + 65536]) if at < size else 0
                    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                        waits += 1
                    try:
                        data = tls.recv(1 << 20)
                        got += data
                        if not data:
                            break
                    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                        waits += 1
                    if waits == 2 or waits and at == size:
                        select.select([tls], [tls] if at < size else [], [], 1)
                tls.settimeout(60)
                tls.unwrap().close()
            return "intact" if got == sent else f"{len(got)} of {size}"
        def many(port, count):
            return sum(python(port) == "certificate has expired" for _ in range(count))
        def subject(port):
            with connect(port, trust=False) as tls:
                found = ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))
            return "the real server" if found.strip() == open(own).read().strip() else "another"
        def hello(_):
            client, out = ssl.create_default_context(cafile=ca), ssl.MemoryBIO()
            try:
                client.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
            except ssl.SSLWantReadError:
                return base64.b64encode(out.read()).decode()
        print(json.dumps([listen(False), listen(True)]), flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            if "ca" in order:
                open(ca, "w").write(order["ca"])
                answer = "kept"
            else:
                answer = globals()[order["call"]](order["port"], **order.get("with", {}))
            print(json.dumps([str(answer)]), flush=True)
        """

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    let tlsPort: Int
    let plainPort: Int

    init() throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.script]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let ports = try JSONDecoder().decode([Int].self, from: Data(Self.line(output).utf8))
        (tlsPort, plainPort) = (ports[0], ports[1])
        _ = try order(Self.trusting(String(decoding: TLSContexts.shared().authority, as: UTF8.self)))
    }

    /// What clients trust from here on; at first it is the authority of this process.
    func trust(_ pem: String) async throws {
        _ = try await blocking { try self.order(Self.trusting(pem)) }
    }

    private static func trusting(_ pem: String) throws -> String {
        String(decoding: try JSONEncoder().encode(["ca": pem]), as: UTF8.self)
    }

    deinit {
        // Its folder goes with it when it ends by itself.
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Calls a function of the script.
    /// - Parameter more: what it takes besides the port, in JSON.
    func call(_ function: String, _ proxy: any RunningProxy, _ more: String = "{}") async throws -> String {
        let port = try #require(Int(proxy.address.split(separator: ":").last ?? ""))
        return try await call(function, port, more)
    }

    func call(_ function: String, _ port: Int, _ more: String = "{}") async throws -> String {
        try await blocking {
            try self.order("{\"call\": \"\(function)\", \"port\": \(port), \"with\": \(more)}")
        }
    }

    private func order(_ order: String) throws -> String {
        try input.fileHandleForWriting.write(contentsOf: Data((order + "\n").utf8))
        return try JSONDecoder().decode([String].self, from: Data(Self.line(output).utf8))[0]
    }

    private static func line(_ pipe: Pipe) throws -> String {
        var line = Data()
        while let byte = try pipe.fileHandleForReading.read(upToCount: 1), !byte.isEmpty, byte[0] != 10 {
            line += byte
        }
        return String(decoding: line, as: UTF8.self)
    }
}
