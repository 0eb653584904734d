import Foundation
import Glibc
import MusterCore
import MusterSystem
import Testing

/// A network namespace where only servers of one test listen.
struct OwnNetwork {
    let lab: Lab
    private let holder: Running

    init(_ lab: Lab) throws {
        self.lab = lab
        holder = try lab.start(
            program: "/usr/bin/unshare", ["-n", "sh", "-c", "ip link set lo up && echo up && exec sleep 600"])
        try holder.waits(for: "up")
    }

    private func start(_ argv: [String]) throws -> Running {
        try lab.start(program: "/usr/bin/nsenter", ["-n", "-t", "\(holder.pid)"] + argv)
    }

    func muster(_ arguments: String...) throws -> Lab.Answer {
        try start(["\(lab.binaries)/muster"] + arguments).end(within: .seconds(90))
    }

    func startOddServers() throws {
        let place = lab.directory
        try lab.write(
            "port 0\nunixsocket \(place)/redis.sock\ndir \(place)\nsave \"\"\ndaemonize yes\npidfile \(place)/redis.pid\n",
            to: "\(place)/redis.conf")
        try lab.write(
            "import socket, time\ns = socket.create_server((\"127.0.0.1\", 7777))\nwhile True: time.sleep(9)\n",
            to: "\(place)/silent.py")
        let started = try start([
            "bash", "-c",
            """
            cd '\(place)' && mkdir site && exec </dev/null >>server.log 2>&1
            for port in 11211 11212; do
                memcached -d -u nobody -l 127.0.0.1 -p $port -P \(place)/$port.pid
            done
            redis-server \(place)/redis.conf
            setsid -f python3 \(place)/silent.py
            setsid -f python3 -m http.server --bind ::1 --directory \(place)/site 8000
            for n in $(seq 300); do
                [[ $(ss -Hltn | wc -l) == 4 && -S redis.sock ]] && exit
                sleep 0.1
            done
            exit 1
            """,
        ]).end()
        let log = try lab.read("\(place)/server.log")
        try #require(started.code == 0, "\(log)")
    }

    /// Everybody whose network it is.
    func endAll() {
        let space = { (pid: String) in
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/ns/net")
        }
        guard let own = space("\(holder.pid)"), own != space("self") else { return }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let pid = Int32(name), pid != holder.pid, space(name) == own else { continue }
            kill(pid, SIGKILL)
        }
        _ = try? holder.child.kill()
    }
}
