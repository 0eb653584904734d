import MusterCore
import MusterDocuments
import MusterDrills

/// A fault that is only ever read.
protocol TestFault: Fault {}

extension TestFault {
    static func readiness(on host: any HostReader) -> Readiness { .ready("test") }
    func plan(for target: Target, as id: InjectionID, on host: any HostReader) throws -> UndoPlan {
        UndoPlan(facts: [], touches: [])
    }
    func inject(into target: Target, as id: InjectionID, plan: UndoPlan, on host: any Host) throws {}
    func effect(
        on target: Target, as id: InjectionID, facts: [any Fact], seenBy host: any HostReader
    ) throws -> Effect {
        .proven("test")
    }
}

/// Faults, probes and workloads of the tests' own, so that the reader is tested and not the catalogue.
struct TestKill: TestFault {
    enum Signal: String, FormWord {
        case terminate = "TERM"
        case kill = "KILL"
    }
    var signal = Signal.kill

    static let form = Form(
        "process-kill", "Ends processes.", blank: TestKill(),
        fields: [Field("signal", \.signal, default: .kill, "The signal.")])
    static let targets: Set<Target.Kind> = [.process]
    var persistence: Persistence { .instant }
}

struct TestPause: TestFault {
    static let form = Form("process-pause", "Hangs a process.", blank: TestPause(), fields: [])
    static let targets: Set<Target.Kind> = [.process]
    var persistence: Persistence { .held }
}

struct TestBurn: TestFault {
    static let form = Form("cpu-burn", "Slows things down.", blank: TestBurn(), fields: [])
    static let targets: Set<Target.Kind> = [.process]
    static let isSlowness = true
    var persistence: Persistence { .held }
}

struct TestCut: TestFault, SelfEnding {
    var deadline: Duration?
    static let form = Form(
        "net-partition", "Cuts off.", blank: TestCut(),
        fields: [Field("deadline", \.deadline, "When it is over by itself.", in: FaultDeadline.problem)])
    static let targets: Set<Target.Kind> = [.process]
    var persistence: Persistence { .held }
}

struct TestFill: TestFault {
    var leave: ByteCount?
    static let form = Form(
        "disk-fill", "Leaves no space.", blank: TestFill(),
        fields: [Field("leave", \.leave, "What stays free.")])
    static let targets: Set<Target.Kind> = [.path]
    var persistence: Persistence { .held }
}

struct TestRedis: Probe, Workload {
    var url = ""
    static let abilities: Set<WorkloadAbility> = [.replicas]
    static let form = Form(
        "redis", "Talks to Redis.", blank: TestRedis(),
        fields: [Field(required: "redis", \.url, "Its URL.")])
    func reading(from url: String) -> TestRedis? {
        url.hasPrefix("redis://") ? TestRedis(url: url) : nil
    }
}

/// Has registers, and no replicas.
struct TestFiles: Workload {
    var directory = ""
    static let abilities: Set<WorkloadAbility> = [.register]
    static let form = Form(
        "files", "Writes files.", blank: TestFiles(),
        fields: [Field(required: "files", \.directory, "Their directory.")])
}

struct TestHTTP: Probe {
    var url = ""
    var headers: [String: String] = [:]
    var status: Int?
    static let form = Form(
        "http", "Asks a web server.", blank: TestHTTP(),
        fields: [
            Field(required: "http", \.url, "Its URL."),
            Field("headers", \.headers, default: [:], "Request headers."),
            Field("status", \.status, "The status that counts as good."),
        ])
}

/// A dataset of files.
struct TestTree: Dataset {
    var files = ""
    static let form = Form(
        "files", "A tree.", blank: TestTree(), fields: [Field(required: "files", \.files, "Where it is.")])
}

enum Catalogues {
    static let faults = FaultCatalog([
        TestKill.self, TestPause.self, TestBurn.self, TestCut.self, TestFill.self,
    ])
    static let probes = ProbeCatalog([TestRedis.self, TestHTTP.self])
    static let workloads = WorkloadCatalog([TestRedis.self, TestFiles.self])
    static let datasets = DatasetCatalog([TestTree.self])

    static func reader(_ services: Services? = nil, now: Int64 = 1_795_000_000_000_000_000) -> DrillReader {
        DrillReader(
            faults: faults, probes: probes, workloads: workloads, datasets: datasets, services: services,
            now: now)
    }
}
