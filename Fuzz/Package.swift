// swift-tools-version: 6.2
import PackageDescription

// What reads bytes of strangers in the fault proxy, under libFuzzer and AddressSanitizer. Built and run by scripts/fuzz,
// in a package of its own, because the instrumentation must not reach what ships. Its sources are links into ../Sources.

let instrumented: SwiftSetting = .unsafeFlags(["-sanitize=fuzzer,address"])
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("InternalImportsByDefault"),
]

/// libFuzzer without a `main` of its own, from the toolchain; the script finds it.
let library = Context.environment["MUSTER_FUZZER_LIBRARY"] ?? "-l:libclang_rt.fuzzer_no_main-x86_64.a"

let package = Package(
    name: "muster-fuzz",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    ],
    targets: [
        .target(name: "CCertificates", linkerSettings: [.linkedLibrary(":libcrypto.a")]),
        .target(name: "CFuzzer"),
        .target(
            name: "MusterProxy",
            dependencies: [
                "CCertificates",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], swiftSettings: strict + [instrumented]),
        .executableTarget(
            name: "fuzz-proxy",
            dependencies: ["MusterProxy", "CFuzzer", .product(name: "NIOCore", package: "swift-nio")],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-sanitize=address", "-Xlinker", library, "-lstdc++"])]),
    ]
)
