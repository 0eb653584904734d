import Foundation
import MusterCore
import MusterDocuments
import MusterDrills
import MusterGuard
import MusterOutcomes
import MusterSystem

/// What is looked at by machine before a game day may begin. Touches nothing.
struct Preflight {
    let file: GameDayFile
    let day: GameDay
    let store: OutcomeStore
    let state: StateOptions
    let clock = SystemTimekeeper()

    private var now: Moment { Moment(utcNanoseconds: clock.utcNanoseconds()) }

    func items() -> [PreflightItem] {
        [window(), blackout(), zones(), clockItem(), journal(), lock()] + space() + day.drills.flatMap(drill)
            + backups() + [calibration(), overdue()]
    }

    /// Those that can have changed since somebody looked; looked at again at the very beginning.
    func quickItems() -> [PreflightItem] { [window(), blackout(), journal(), lock()] }

    // MARK: Time

    private func window() -> PreflightItem {
        let zone = (try? ZoneDirectory.rules(day.zone)) ?? .utc
        let words =
            "\(ScheduleText.local(day.starts, zone)) to \(ScheduleText.local(day.ends, zone)) \(day.zone)"
        if now < day.starts {
            return .init(
                "window", .block, "it begins in \((day.starts - now).forPeople): its window is \(words)")
        }
        if now >= day.ends { return .init("window", .block, "its window is over: \(words)") }
        return .init("window", .ok, "within \(words)")
    }

    private func blackout() -> PreflightItem {
        guard Files.exists(file.project.schedules) else {
            return .init("blackout", .ok, "there are no schedules, and so no blackout")
        }
        guard
            let calendar = try? Schedules.blackouts(
                of: Files.text(file.project.schedules), zone: { try ZoneDirectory.rules($0) })
        else {
            return .init(
                "blackout", .block, "drills/schedules.yaml cannot be read, so blackouts are not known")
        }
        if let found = calendar.blackout(at: now) {
            return .init("blackout", .block, "blackout '\(found.name)' holds: \(found.reason)")
        }
        if let next = calendar.blackouts.first(where: {
            now < $0.span.lowerBound && $0.span.lowerBound < day.ends
        }) {
            return .init(
                "blackout", .warn, "blackout '\(next.name)' begins before the day ends: \(next.reason)")
        }
        return .init("blackout", .ok, "no blackout holds")
    }

    /// Whether the zone's file agrees with the one that came with Swift, about now and half a year on.
    private func zones() -> PreflightItem {
        do {
            let rules = try ZoneDirectory.rules(day.zone)
            guard let bundled = TimeZone(identifier: day.zone) else {
                return .init("tzdata", .ok, "\(day.zone) as tzdata has it; Swift's own tables do not know it")
            }
            let differs = [now, now + .seconds(183 * 86_400)].contains { moment in
                let date = Date(timeIntervalSince1970: Double(moment.seconds))
                return Int64(bundled.secondsFromGMT(for: date)) != rules.offset(at: moment)
            }
            return differs
                ? .init(
                    "tzdata", .warn, "tzdata and Swift's own tables differ about \(day.zone); tzdata is used")
                : .init("tzdata", .ok, "\(day.zone) as tzdata has it")
        } catch {
            return .init("tzdata", .block, (error as? FormProblem)?.message ?? "\(error)")
        }
    }

    private func clockItem() -> PreflightItem {
        guard let estimate = KernelClock.estimatedError() else {
            return .init(
                "clock", .warn, "the kernel does not know how far its clock is off: nothing keeps it")
        }
        let words = "the clock is off by \(estimate.forPeople) at most, as the kernel estimates"
        return estimate > day.limits.clockOffset
            ? .init("clock", .block, words + "; the limit is \(day.limits.clockOffset.forPeople)")
            : .init("clock", .ok, words)
    }

    // MARK: This host

    private func journal() -> PreflightItem {
        guard let open = GuardCommandLine.openInjections(state) else {
            return .init("guard", .block, "the guard's journal cannot be read; `muster doctor` says why")
        }
        return open.isEmpty
            ? .init("guard", .ok, "the guard answers, and nothing is left broken")
            : .init(
                "guard", .block,
                "\(Observing.count(open.count, "injection")) of earlier drills left open: run `muster undo`")
    }

    private func lock() -> PreflightItem {
        guard let holder = LockHolder.read() else {
            return .init("lock", .ok, "no other drill runs on this host")
        }
        return .init("lock", .block, "this host is taken by \(holder.inWords)")
    }

    private func space() -> [PreflightItem] {
        let outcomes = (store.path as NSString).deletingLastPathComponent
        let places = [("outcomes", outcomes), ("scratch", "/var/tmp")]
        return places.map { name, path in
            guard let free = FreeSpace.bytes(at: path) else {
                return .init("space-\(name)", .block, "the free space of \(path) cannot be read")
            }
            let words = "\(ByteCount(free).forPeople) free in \(ReportFiles.shown(path))"
            return free < day.limits.freeSpace.bytes
                ? .init(
                    "space-\(name)", .block, words + "; at least \(day.limits.freeSpace.forPeople) wanted")
                : .init("space-\(name)", .ok, words)
        }
    }

    private func backups() -> [PreflightItem] {
        day.limits.backups.map { backup in
            let path = backup.path.hasPrefix("/") ? backup.path : file.project.root + "/" + backup.path
            let name = "backup-" + (backup.path as NSString).lastPathComponent
            guard let newest = Newest.file(at: path) else {
                return .init(name, .block, "there is no backup at \(backup.path)")
            }
            let age = Duration.seconds(max(0, now.seconds - newest.changed))
            let words =
                "the newest backup at \(backup.path) is \(age.forPeople) old, \(ByteCount(newest.size).forPeople)"
            if newest.size == 0 { return .init(name, .block, words) }
            return age > backup.within
                ? .init(name, .block, words + "; the limit is \(backup.within.forPeople)")
                : .init(name, .ok, words)
        }
    }

    private func calibration() -> PreflightItem {
        guard let found = try? store.newestCalibration(of: HostNames.read().host) else {
            return .init(
                "calibration", .warn, "the instrument was never calibrated on this host: `muster calibrate`")
        }
        return .init("calibration", .ok, found.sentence)
    }

    private func overdue() -> PreflightItem {
        let today = now.seconds / 86_400
        let overdue = ((try? store.actions()) ?? []).filter { $0.isOverdue(today: today) }
        return overdue.isEmpty
            ? .init("actions", .ok, "no action item is overdue")
            : .init(
                "actions", .warn, "\(Observing.count(overdue.count, "action item")) overdue: `muster actions`"
            )
    }
}

/// Room on file systems (statvfs(3)).
enum FreeSpace {
    /// What an ordinary user may still use; nil when it cannot be read.
    static func bytes(at path: String) -> Int64? {
        var space = statvfs()
        guard statvfs(path, &space) == 0 else { return nil }
        let (bytes, overflow) = Int64(space.f_bavail).multipliedReportingOverflow(by: Int64(space.f_frsize))
        return overflow ? .max : bytes
    }
}

/// The newest file of a directory, or the file itself.
enum Newest {
    static func file(at path: String) -> (changed: Int64, size: Int64)? {
        guard Files.isDirectory(path) else { return one(path) }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { !Files.isDirectory("\(path)/\($0)") }.compactMap { one("\(path)/\($0)") }
            .max { $0.changed < $1.changed }
    }

    private static func one(_ path: String) -> (changed: Int64, size: Int64)? {
        let real = (path as NSString).resolvingSymlinksInPath
        guard let found = try? FileManager.default.attributesOfItem(atPath: real),
            let changed = found[.modificationDate] as? Date, let size = found[.size] as? NSNumber
        else { return nil }
        return (Int64(changed.timeIntervalSince1970), size.int64Value)
    }
}
