import ArgumentParser
import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterOutcomes
import MusterSystem

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract:
            "Looks at the schedules whenever something is due, and runs what may run, until it is stopped.",
        discussion: """
            Example: muster serve
                     muster serve --print-unit | sudo tee /etc/systemd/system/muster-serve.service

            SIGHUP reads the schedules again; edits are noticed without it. SIGTERM and Ctrl-C stop it: what runs is
            aborted and put back, or goes on to its end, as onStop of the schedules or --on-stop says. Others may look
            at the same schedules at the same time, daemons and ticks: nothing runs twice.
            """)

    @Option(
        help: ArgumentHelp(
            "What becomes of what runs when it is stopped (default: onStop of the schedules).",
            valueName: "abort|finish"))
    var onStop: String?
    @Flag(help: "Print a unit for systemd, for this project and this binary, and do nothing else.")
    var printUnit = false
    @OptionGroup var place: SchedulePlace

    func run() throws {
        try carryOut {
            let project = Project.current
            if printUnit {
                Terminal.write(ServeUnit.text(project: project.root, binary: Files.besideUs + "/muster"))
                return .pass
            }
            let policy = try onStop.map { word in
                guard let policy = Schedule.Interruption(rawValue: word) else {
                    throw Refusal(.usage, "--on-stop \(word): not a policy", advice: "abort or finish")
                }
                return policy
            }
            let daemon = try ServeLoop(
                path: place.path, store: place.store.open(project, access: .readWrite), project: project,
                onStop: policy)
            return try daemon.run()
        }
    }
}

/// The unit of the daemon (systemd.service(5)).
enum ServeUnit {
    static func text(project: String, binary: String) -> String {
        """
        # Runs the drills of \(project) when they are due. Made by `muster serve --print-unit`.
        #   systemctl daemon-reload && systemctl enable --now muster-serve
        # What it did: journalctl -u muster-serve, and `muster schedule history`.
        # Also install muster-undo.service and muster-undo.timer, which mend what a lost host left broken.

        [Unit]
        Description=Muster: runs drills when they are due
        Documentation=man:systemd.service(5)
        # A clock that is not set yet is not one to go by.
        Wants=time-sync.target
        After=network-online.target time-sync.target
        Wants=network-online.target

        [Service]
        Type=notify
        NotifyAccess=main
        WorkingDirectory=\(escaped(project))
        ExecStart="\(escaped(binary))" serve
        ExecReload=/bin/kill -HUP $MAINPID
        Restart=on-failure
        RestartSec=10s
        # Schedules that cannot be read do not get better by trying.
        RestartPreventExitStatus=2
        WatchdogSec=2min
        # The daemon hands a stop on to what runs, and waits until all is put back; it asks for more time while that goes
        # on. Should it die itself, its runs notice, and guard and warden put back what they broke: they must not be
        # killed along with it, as KillMode=mixed or control-group would.
        KillMode=process
        TimeoutStopSec=5min
        ExecStopPost=-"\(escaped(binary))" undo --orphans

        [Install]
        WantedBy=multi-user.target

        """
    }

    /// A percent sign begins a specifier (systemd.unit(5)).
    private static func escaped(_ text: String) -> String { text.replacing("%", with: "%%") }
}
