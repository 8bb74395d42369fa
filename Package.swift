// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// One stage of the data path, or a library that stages share.
func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// The tests of the target `name`, with what else they need.
func tests(
    of name: String,
    _ dependencies: [Target.Dependency] = [],
    exclude: [String] = []
) -> Target {
    .testTarget(
        name: name + "Tests",
        dependencies: [.target(name: name)] + dependencies,
        exclude: exclude,
        swiftSettings: strict
    )
}

let argumentParser = Target.Dependency.product(
    name: "ArgumentParser",
    package: "swift-argument-parser"
)
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(
    name: "ServiceLifecycle",
    package: "swift-service-lifecycle"
)
let signals = Target.Dependency.product(
    name: "UnixSignals",
    package: "swift-service-lifecycle"
)
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")

let package = Package(
    name: "freshet",
    products: [
        .executable(name: "freshet", targets: ["freshet"]),
        .executable(name: "freshet-benchmark", targets: ["Benchmark"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle",
            from: "2.13.0"
        ),
    ],
    targets: [
        // C libraries and kernels.
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(
            name: "CRdKafka",
            pkgConfig: "rdkafka",
            providers: [.apt(["librdkafka-dev"])]
        ),
        .systemLibrary(
            name: "CXXHash",
            pkgConfig: "libxxhash",
            providers: [.apt(["libxxhash-dev"])]
        ),
        .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CKernels"),
        .target(name: "CCacheLine"),
        .target(name: "CRename"),
        .target(name: "CBenchmark", dependencies: ["CKernels"]),

        // Shared by the stages.
        library("Events", ["CXXHash"]),
        library("StateCoding", ["CXXHash"]),
        library("LZ4", ["CLZ4"]),
        library("Kafka", ["CRdKafka"]),

        // The data path, in its order.
        library("Source", ["Events", "Kafka", "LZ4"]),
        library("Decode", ["Events", "CSimdJSON"]),
        library("Order", ["Events", "StateCoding"]),
        library("Join", ["Events", "StateCoding", "CCacheLine"]),
        library("Learn", ["Events", "StateCoding", "CKernels"]),
        library("Snapshot", ["StateCoding", "LZ4"]),
        library(
            "Pipeline",
            [
                "Events", "StateCoding", "Source", "Decode", "Order", "Join", "Learn", "Snapshot",
                logging,
            ]
        ),

        // Around the path.
        library(
            "Configure",
            ["Events", "Decode", "Order", "Join", "Learn", "Snapshot", yams]
        ),
        // Generated code, which does not follow our settings.
        .target(name: "ONNXMessages", dependencies: [protobuf], exclude: ["onnx.proto"]),
        library(
            "Export",
            [
                "Events", "StateCoding", "Decode", "Join", "Learn", "Snapshot", "Pipeline",
                "Configure", "CRename", "ONNXMessages", protobuf,
            ]
        ),
        library("Generate", ["Events", "Snapshot"]),
        library("Report", ["Events", "Learn"]),
        .executableTarget(
            name: "freshet",
            dependencies: [
                "Events", "StateCoding", "Source", "Decode", "Order", "Join", "Learn", "Snapshot",
                "Export", "Pipeline", "Kafka", "Configure", "Generate", "Report", "LZ4",
                argumentParser, logging, lifecycle, signals,
            ],
            swiftSettings: strict
        ),

        // Parts of the path by themselves, timed; `tools/bench` runs it.
        .executableTarget(
            name: "Benchmark",
            dependencies: [
                "Events", "StateCoding", "Source", "Decode", "Order", "Join", "Learn", "Snapshot",
                "Pipeline", "Configure", "CBenchmark", "LZ4", argumentParser, logging,
            ],
            swiftSettings: strict
        ),

        // Tests of what needs a broker run the built executable's `broker` command.
        .target(
            name: "TestSupport",
            dependencies: ["Kafka", "Snapshot"],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        tests(of: "Events"),
        tests(of: "LZ4"),
        tests(of: "Source", ["Events", "LZ4", "Kafka", "TestSupport", "freshet"]),
        tests(of: "Decode", ["Events", "Source"], exclude: ["Reference"]),
        tests(of: "Order", ["Events", "StateCoding"]),
        tests(of: "Join", ["Events", "StateCoding"]),
        tests(of: "Learn", ["Events", "StateCoding", "CKernels"], exclude: ["Reference"]),
        tests(of: "Snapshot", ["StateCoding", "LZ4", "TestSupport"]),
        tests(of: "Kafka", ["TestSupport", "freshet"]),
        tests(
            of: "Configure",
            ["Events", "StateCoding", "Decode", "Order", "Join", "Learn", "Snapshot", yams]
        ),
        tests(
            of: "Export",
            [
                "Events", "StateCoding", "Decode", "Join", "Learn", "Snapshot", "Pipeline",
                "Configure", "ONNXMessages", "TestSupport", "freshet", protobuf,
            ],
            exclude: ["Reference"]
        ),
        tests(of: "Generate", ["Events"]),
        tests(of: "Report", ["Events", "Learn", "TestSupport"], exclude: ["Reference"]),
        tests(
            of: "Pipeline",
            [
                "Events", "StateCoding", "Source", "Decode", "Order", "Join", "Learn", "Snapshot",
                "Configure", "Kafka", "Generate", "TestSupport", "freshet", logging,
            ]
        ),
        .testTarget(
            name: "FaultTests",
            dependencies: [
                "Events", "StateCoding", "LZ4", "Decode", "Order", "Join", "Learn", "Snapshot",
                "Pipeline", "Source", "Configure", "Generate", "TestSupport", "freshet", logging,
            ],
            exclude: ["Fixtures"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "CommandTests",
            dependencies: ["freshet", "Kafka", "TestSupport"],
            exclude: ["Reference"],
            swiftSettings: strict
        ),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
