// swift-tools-version: 6.2
import PackageDescription

// The journal, the judge, the measuring engine and the store of outcomes alone, as the programs use them. Their
// sources are links into ../Sources, because a package may only name targets inside of itself and Muster publishes
// no libraries.

let muster: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "muster-benchmarks",
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .target(name: "CSQLite", linkerSettings: [.unsafeFlags(["-l:libsqlite3.a"]), .linkedLibrary("m")]),
        .target(name: "CLinux", linkerSettings: [.linkedLibrary(":libcrypto.a")]),
        .target(name: "CCurl"),
        .target(name: "MusterCore", swiftSettings: muster),
        .target(name: "MusterDrills", dependencies: ["MusterCore"], swiftSettings: muster),
        .target(name: "MusterSystem", dependencies: ["MusterCore", "CLinux"], swiftSettings: muster),
        .target(name: "MusterJournal", dependencies: ["MusterCore", "CSQLite"]),
        .target(name: "CPostgres"),
        .target(
            name: "MusterProbes",
            dependencies: ["MusterCore", "MusterDrills", "MusterSystem", "CCurl", "CPostgres", "CSQLite"],
            swiftSettings: muster),
        .target(
            name: "MusterOutcomes",
            dependencies: [
                "MusterCore", "MusterDrills", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ], swiftSettings: muster),
        .target(
            name: "CCmark",
            linkerSettings: [.linkedLibrary("cmark-gfm"), .linkedLibrary("cmark-gfm-extensions")]),
        .target(
            name: "MusterDocuments",
            dependencies: ["MusterCore", "MusterDrills", "CCmark", .product(name: "Yams", package: "Yams")],
            swiftSettings: muster),
        .executableTarget(
            name: "schedules", dependencies: ["MusterCore", "MusterDrills", "MusterDocuments"]),
        .executableTarget(name: "judge-samples", dependencies: ["MusterCore", "MusterDrills"]),
        .executableTarget(name: "null-http"),
        .executableTarget(name: "datasets", dependencies: ["MusterCore", "MusterDrills", "MusterProbes"]),
        .executableTarget(name: "proxy-load", dependencies: ["CLinux"]),
        .executableTarget(name: "journal-row", dependencies: ["MusterCore", "MusterJournal"]),
        .executableTarget(name: "ledger-classify", dependencies: ["MusterCore", "MusterDrills"]),
        .executableTarget(
            name: "measuring",
            dependencies: ["MusterCore", "MusterDrills", "MusterSystem", "MusterProbes", "MusterOutcomes"]),
    ]
)
