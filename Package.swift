// swift-tools-version: 6.2
import PackageDescription

// Few kinds of arrow: everything points to MusterCore, what touches the operating system to MusterSystem, the
// controller's side to MusterDrills, and executables to everything. See docs/ARCHITECTURE.md.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// The guard is copied to hosts: what is on its side alone is built to be small rather than fast.
let small = strict + [.unsafeFlags(["-Osize"], .when(configuration: .release))]

let package = Package(
    name: "muster",
    products: [
        .executable(name: "muster", targets: ["muster"]),
        .executable(name: "muster-guard", targets: ["muster-guard"]),
        .executable(name: "muster-net", targets: ["muster-net"]),
        .executable(name: "sample-service", targets: ["sample-service"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
    ],
    targets: [
        // C shims: leaves, each imported by one target; CSQLite by the guard's journal and the controller's workload.
        .target(name: "CCertificates", linkerSettings: [.linkedLibrary(":libcrypto.a")]),
        .target(name: "CLinux", linkerSettings: [.linkedLibrary(":libcrypto.a")]),
        .target(name: "CSQLite", linkerSettings: [.unsafeFlags(["-l:libsqlite3.a"]), .linkedLibrary("m")]),
        .target(name: "CCurl"),
        .target(name: "CPostgres"),
        .target(
            name: "CCmark",
            linkerSettings: [.linkedLibrary("cmark-gfm"), .linkedLibrary("cmark-gfm-extensions")]),

        .target(name: "MusterCore", swiftSettings: strict),
        // What the guard never sees: drills, their judgement, runbooks, schedules, game days.
        .target(name: "MusterDrills", dependencies: ["MusterCore"], swiftSettings: strict),
        .target(name: "MusterSystem", dependencies: ["MusterCore", "CLinux"], swiftSettings: strict),

        // The guard's side.
        .target(name: "MusterFaults", dependencies: ["MusterCore"], swiftSettings: small),
        .target(name: "MusterHost", dependencies: ["MusterCore", "MusterSystem"], swiftSettings: small),
        .target(name: "MusterJournal", dependencies: ["MusterCore", "CSQLite"], swiftSettings: small),
        .target(name: "MusterGuard", dependencies: ["MusterCore", "MusterSystem"], swiftSettings: small),

        // The controller's side.
        .target(
            name: "MusterProbes",
            dependencies: ["MusterCore", "MusterDrills", "MusterSystem", "CCurl", "CPostgres", "CSQLite"],
            swiftSettings: strict),
        .target(
            name: "MusterCalibration", dependencies: ["MusterCore", "MusterDrills", "MusterSystem"],
            swiftSettings: strict),
        .target(
            name: "MusterOutcomes",
            dependencies: [
                "MusterCore", "MusterDrills", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ], swiftSettings: strict),
        .target(
            name: "MusterDocuments",
            dependencies: ["MusterCore", "MusterDrills", "CCmark", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict),

        .executableTarget(
            name: "muster",
            dependencies: [
                "MusterCore", "MusterDrills", "MusterSystem", "MusterFaults", "MusterHost", "MusterGuard",
                "MusterProbes",
                "MusterCalibration", "MusterOutcomes", "MusterDocuments",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: strict),
        .executableTarget(
            name: "muster-guard",
            dependencies: [
                "MusterCore", "MusterSystem", "MusterFaults", "MusterHost", "MusterJournal", "MusterGuard",
            ], swiftSettings: small,
            // Nothing looks its symbols up by name: a static program need not carry them for others.
            linkerSettings: [
                .unsafeFlags(
                    ["-Xlinker", "--icf=safe", "-Xlinker", "--no-export-dynamic"],
                    .when(configuration: .release))
            ]),
        // The fault proxy: the only place for NIO, TLS and certificates.
        .target(
            name: "MusterProxy",
            dependencies: [
                "CCertificates",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], swiftSettings: strict),
        .executableTarget(
            name: "muster-net",
            dependencies: [
                "MusterProxy", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: strict),

        // What the first drill breaks; imports nothing of Muster.
        .executableTarget(
            name: "sample-service",
            dependencies: [
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "FlyingSocks", package: "FlyingFox"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ], swiftSettings: strict),

        // Tests mirror the sources. Those that start the real programs depend on them, so that they are built.
        .testTarget(
            name: "MusterCoreTests", dependencies: ["MusterCore", "MusterDrills"], swiftSettings: strict),
        .testTarget(
            name: "MusterDrillsTests", dependencies: ["MusterCore", "MusterDrills"], exclude: ["Fixtures"],
            swiftSettings: strict),
        .testTarget(
            name: "SimulationTests", dependencies: ["MusterCore", "MusterDrills", "MusterFaults"],
            swiftSettings: strict),
        .testTarget(
            name: "MusterSystemTests", dependencies: ["MusterSystem", "MusterCore"], swiftSettings: strict),
        .testTarget(
            name: "MusterHostTests", dependencies: ["MusterHost", "MusterSystem", "MusterCore"],
            swiftSettings: strict),
        .testTarget(
            name: "MusterJournalTests", dependencies: ["MusterJournal", "MusterCore"], swiftSettings: strict),
        .testTarget(
            name: "MusterFaultsTests",
            dependencies: [
                "MusterCore", "MusterFaults", "MusterHost", "MusterJournal", "MusterSystem", "muster-guard",
                "muster-net",
            ], swiftSettings: strict),
        .testTarget(
            name: "MusterGuardTests",
            dependencies: [
                "MusterCore", "MusterSystem", "MusterFaults", "MusterJournal", "MusterGuard", "muster-guard",
            ], swiftSettings: strict),
        .testTarget(
            name: "MusterProbesTests",
            dependencies: ["MusterProbes", "MusterCore", "MusterDrills", "MusterSystem"],
            exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "MusterProxyTests",
            dependencies: [
                "MusterProxy", "muster-net", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "MusterCalibrationTests",
            dependencies: [
                "MusterCalibration", "MusterProbes", "MusterCore", "MusterDrills", "MusterSystem",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "MusterOutcomesTests",
            dependencies: [
                "MusterOutcomes", "MusterCore", "MusterDrills", .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "MusterDocumentsTests",
            dependencies: ["MusterDocuments", "MusterCore", "MusterDrills", "MusterFaults", "MusterProbes"],
            exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "ReportTests", dependencies: ["MusterDocuments", "MusterCore", "MusterDrills"],
            exclude: ["Golden"],
            swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "muster", "muster-guard", "muster-net", "sample-service", "MusterCore", "MusterDrills",
                "MusterDocuments",
                "MusterOutcomes", "MusterProbes", "MusterSystem",
            ],
            exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "SampleServiceTests",
            dependencies: ["sample-service", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: strict),
    ]
)
