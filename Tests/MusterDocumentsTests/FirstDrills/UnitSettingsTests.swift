import MusterCore
import Testing

@testable import MusterDocuments

@Suite struct UnitSettingsTests {
    private func settings(_ text: String, _ more: [String: String] = [:], unit: String = "a.service") throws
        -> UnitSettings
    {
        let host = CapturedHost()
        host.files["/lib/systemd/system/a.service"] = text
        host.files.merge(more) { _, new in new }
        return try #require(UnitSettings(unit, on: host))
    }

    @Test func whatATemplateSays() throws {
        let host = Captured.redis()
        let unit = try #require(UnitSettings("redis-server@x.service", on: host))
        #expect(unit.files == ["/lib/systemd/system/redis-server@.service"])
        #expect(unit.pidFile == "/run/redis-x/redis-server.pid")
        #expect(unit.restart == "always" && unit.restartsAfterKill)
        #expect(unit.delay == .milliseconds(100) && unit.startTimeout == .seconds(90))
        #expect(UnitSettings("other.service", on: host) == nil)
    }

    /// systemd.service(5), the table of Restart=.
    @Test(arguments: [
        ("no", false), ("always", true), ("on-failure", true), ("on-abnormal", true), ("on-abort", true),
        ("on-success", false), ("on-watchdog", false),
    ])
    func whoComesBackAfterAKill(_ word: String, _ comes: Bool) throws {
        #expect(try settings("[Service]\nRestart=\(word)\n").restartsAfterKill == comes)
    }

    @Test func statusesThatChangeIt() throws {
        #expect(
            try !settings("[Service]\nRestart=always\nRestartPreventExitStatus=1 SIGKILL").restartsAfterKill)
        #expect(
            try !settings("[Service]\nRestart=on-failure\nSuccessExitStatus=143 SIGKILL").restartsAfterKill)
        #expect(try settings("[Service]\nRestart=on-success\nSuccessExitStatus=SIGKILL").restartsAfterKill)
        #expect(try settings("[Service]\nRestart=no\nRestartForceExitStatus=KILL").restartsAfterKill)
        #expect(
            try settings(
                "[Service]\nRestart=always\nRestartPreventExitStatus=SIGKILL\nRestartPreventExitStatus="
            ).restartsAfterKill)
        #expect(try !settings("[Unit]\nRestart=always\n").restartsAfterKill, "it stands in another section")
    }

    @Test func dropInsCountInTheOrderOfTheirNames() throws {
        let unit = try settings(
            "[Service]\nRestart=no\nRestartSec=1\n",
            [
                "/etc/systemd/system/a.service.d/20-late.conf": "[Service]\nRestart=on-failure\n",
                "/run/systemd/system/a.service.d/10-early.conf":
                    "[Service]\nRestart=always\nRestartSec=1min 30s\n",
                "/usr/lib/systemd/system/a.service.d/20-late.conf":
                    "[Service]\nRestart=always\nRestartSec=9\n",
                "/etc/systemd/system/a.service.d/README": "[Service]\nRestart=never\n",
            ])
        #expect(unit.restart == "on-failure" && unit.delay == .seconds(90))
        #expect(
            unit.files == [
                "/lib/systemd/system/a.service", "/run/systemd/system/a.service.d/10-early.conf",
                "/etc/systemd/system/a.service.d/20-late.conf",
            ])
    }

    @Test func theMoreImportantFileAndTheManagersDefaults() throws {
        let unit = try settings(
            "[Service]\nRestart=no",
            [
                "/etc/systemd/system/a.service": "[Service]\nRestart=always\n",
                "/etc/systemd/system.conf": "[Manager]\nDefaultRestartSec=3s\nDefaultTimeoutStartSec=20s\n",
            ])
        #expect(unit.restart == "always" && unit.delay == .seconds(3) && unit.startTimeout == .seconds(20))
        #expect(try settings("[Service]\nTimeoutStartSec=infinity\n").startTimeout == nil)
        #expect(try settings("[Service]\nTimeoutStartSec=0\n").startTimeout == nil)
    }

    @Test(arguments: [
        ("100ms", TimeSpan.span(.milliseconds(100))), ("5", .span(.seconds(5))),
        ("1min 30s", .span(.seconds(90))),
        ("2h5min", .span(.seconds(7500))), ("0.5s", .span(.milliseconds(500))), ("infinity", .infinity),
    ])
    func spans(_ text: String, _ wanted: TimeSpan) { #expect(TimeSpan(text) == wanted) }

    @Test(arguments: ["", "s", "5 parsecs", "-1", "1e9", "99999999999999d", "11000d 11000d"])
    func noSpans(_ text: String) { #expect(TimeSpan(text) == nil) }

    @Test func escapedInstances() {
        #expect(UnitName.unescaped("15-main") == "15/main")
        #expect(UnitName.unescaped(#"my\x2dname\xc3\xa4"#) == "my-nameä")
        #expect(
            UnitName("a-b@c.service").dropInFolders == [
                "a-b@c.service.d", "a-b@.service.d", "a-.service.d", "service.d",
            ])
        #expect(
            UnitName("a@b-c.service").replacingSpecifiers(in: "%p %i %I %n %N %t %% %x %")
                == "a b-c b/c a@b-c.service a@b-c /run % %x %")
    }

    @Test func cgroups() {
        let unit = { (text: String) in ControlGroup(text).unit }
        #expect(unit("0::/system.slice/redis.service\n") == "redis.service")
        #expect(unit("0::/system.slice/redis.service/worker\n") == "redis.service")
        // Where systemd has a hierarchy of its own, the unified one is empty.
        #expect(unit("9:name=systemd:/system.slice/redis.service\n4:memory:/x\n0::/\n") == "redis.service")
        #expect(unit("0::/user.slice/user-1000.slice/session-3.scope\n") == nil)
        #expect(unit("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n") == nil)
        let own = ControlGroup("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app.service\n")
        #expect(own.unit == "app.service" && own.isOfUser)
        #expect(ControlGroup("0::/system.slice/docker-0123abc.scope\n").container != nil)
        #expect(ControlGroup("0::/docker/0123abc\n").container == "docker/0123abc")
        #expect(
            ControlGroup("0::/kubepods.slice/kubepods-burstable.slice/cri-containerd-9.scope\n").container
                != nil)
        #expect(
            ControlGroup("0::/system.slice/docker.service\n").container == nil && ControlGroup("").unit == nil
        )
    }
}
