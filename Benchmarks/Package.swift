// swift-tools-version: 6.2
import PackageDescription

// The journal alone, as the guard's hands use it, and the judge alone. Their sources are links into ../Sources, because a package may
// only name targets inside of itself and Muster publishes no libraries.

let package = Package(
    name: "muster-benchmarks",
    targets: [
        .target(name: "CSQLite", linkerSettings: [.unsafeFlags(["-l:libsqlite3.a"]), .linkedLibrary("m")]),
        .target(name: "MusterCore"),
        .target(name: "MusterJournal", dependencies: ["MusterCore", "CSQLite"]),
        .executableTarget(name: "journal-row", dependencies: ["MusterCore", "MusterJournal"]),
        .executableTarget(name: "ledger-classify", dependencies: ["MusterCore"]),
    ]
)
