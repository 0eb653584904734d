import Testing

@testable import MusterProxy

/// A machine without IPv6 (`ipv6.disable=1`): it has no sockets of that family.
struct NoIPv6Tests {
    /// Becomes the program that it is given, for which there is no IPv6 (seccomp(2)): socket(2) with AF_INET6 fails with
    /// EAFNOSUPPORT.
    private static let without = """
        import ctypes, os, platform, struct, sys
        number = {"x86_64": 41, "aarch64": 198}[platform.machine()]
        lines = [(0x20, 0, 0, 0), (0x15, 0, 3, number), (0x20, 0, 0, 16), (0x15, 0, 1, 10),
                 (0x06, 0, 0, 0x00050000 | 97), (0x06, 0, 0, 0x7FFF0000)]
        text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
        class Program(ctypes.Structure):
            _fields_ = [("count", ctypes.c_ushort), ("lines", ctypes.c_void_p)]
        program = Program(len(lines), ctypes.addressof(text))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(program), 0, 0):
            sys.exit("no seccomp")
        os.execv(sys.argv[1], sys.argv[1:])
        """

    @Test(.timeLimit(.minutes(3)), arguments: ["0.0.0.0:0", ":0", "[::]:0"])
    func everyAddressIsEveryAddressOfIPv4(_ listen: String) async throws {
        let program = try await NetProgram.start(
            ["--drain", "0s", "--listen", listen], through: ["python3", "-c", Self.without])
        defer { program.stop() }
        #expect(try await program.ask("GET", "/version").status == 200)
        let made = try await program.ask(
            "POST", "/proxies", #"{"name":"p","listen":"\#(listen)","upstream":"127.0.0.1:\#(program.port)"}"#
        )
        #expect(made.status == 201)
        #expect(made.body.contains(#""listen":"0.0.0.0:"#))
    }
}
