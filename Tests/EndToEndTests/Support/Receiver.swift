import Foundation
import MusterCore
import MusterSystem
import Testing

/// A web server that keeps what it is sent; see Fixtures/receiver.py.
struct Receiver {
    let lab: Lab
    let port: Int
    private let server: Running

    init(_ lab: Lab, answering status: String = "200") throws {
        self.lab = lab
        try lab.write(status, to: "\(lab.directory)/status")
        let program = Lab.root + "/Tests/EndToEndTests/Fixtures/receiver.py"
        let files = ["port", "requests", "status"].map { "\(lab.directory)/\($0)" }
        server = try lab.start(program: "/usr/bin/python3", [program] + files)
        try #require(lab.eventually { lab.exists(files[0]) } != nil)
        port = try #require(Int(lab.read(files[0])))
    }

    /// So that it is not among what a drill has left.
    func end() throws {
        _ = try server.child.kill(SIGKILL)
        _ = try server.end()
    }

    func answer(_ status: String) throws { try lab.write(status, to: "\(lab.directory)/status") }

    var requests: [Value] {
        ((try? lab.read("\(lab.directory)/requests")) ?? "").split(separator: "\n").compactMap {
            try? JSONDecoder().decode(Value.self, from: Data($0.utf8))
        }
    }

    /// The notices of all bodies that are ours.
    var notices: [Value] {
        requests.compactMap { $0["body"]?.asText }.compactMap {
            try? JSONDecoder().decode(Value.self, from: Data($0.utf8))
        }
    }
}
