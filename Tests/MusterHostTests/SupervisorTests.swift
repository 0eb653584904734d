import Glibc
import MusterCore
import MusterSystem
import Testing

@testable import MusterHost

@Suite struct SupervisorTests {
    let test: HostUnderTest
    var host: LinuxHost { test.host }
    init() throws { test = try HostUnderTest() }

    /// Answers one request with what `answer` makes of it.
    private func listen(_ answer: @escaping @Sendable (String) -> String?) throws {
        let listener = try UnixSocket.listen(at: host.site.supervisorSocket(of: test.id))
        try startThread(name: "supervisor") {
            guard let client = try? UnixSocket.accept(from: listener),
                case .bytes(let bytes) = try? client.read(upTo: 64),
                let text = answer(String(decoding: bytes, as: UTF8.self))
            else { return }
            try? client.send(Array(text.utf8))
        }
    }

    @Test func nobodyIsNil() throws {
        #expect(try host.supervisor(of: test.id) == nil)
        let error = #expect(throws: HostError.self) { try host.ask(supervisorOf: test.id, .start) }
        #expect(error?.code == .notFound)
        _ = try UnixSocket.listen(at: host.site.supervisorSocket(of: test.id))
        #expect(try host.supervisor(of: test.id) == nil, "a socket that nobody listens on any more")
    }

    @Test func runningFixture() throws {
        try listen { $0 == "start\n" ? #"{"pid":12,"startTicks":34,"bootID":"b","starts":2}"# + "\n" : nil }
        let status = try host.ask(supervisorOf: test.id, .start)
        #expect(status.process == ProcessIdentity(pid: 12, startTicks: 34, bootID: "b"))
        #expect(status.starts == 2)
    }

    @Test func fixtureThatIsDown() throws {
        try listen { _ in "{\"starts\":3}\n" }
        #expect(try host.supervisor(of: test.id) == SupervisorStatus(process: nil, starts: 3))
    }

    @Test(arguments: ["{\"error\":\"it will not start\"}\n", "nonsense\n", "{}\n"])
    func problemsAreTold(answer: String) throws {
        try listen { _ in answer }
        let error = #expect(throws: HostError.self) { try host.supervisor(of: test.id) }
        #expect(error?.code == .failed)
        #expect(error?.reason.isEmpty == false)
    }
}
