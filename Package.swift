// swift-tools-version: 6.2
import PackageDescription

// Nothing here turns on Embedded Swift: `swift build` and `swift test` compile
// ordinary Swift, and the toolsets board/*.json turn the same targets into firmware.
let package = Package(
  name: "devicegrant",
  products: [.executable(name: "devicegrant", targets: ["devicegrant"])],
  targets: [
    .systemLibrary(name: "CLinux", path: "CShims/CLinux"),
    .systemLibrary(name: "CMbedTLS", path: "CShims/CMbedTLS"),
    .systemLibrary(name: "CJansson", path: "CShims/CJansson"),
    .systemLibrary(name: "CQRencode", path: "CShims/CQRencode"),
    .systemLibrary(name: "CMemory", path: "CShims/CMemory"),

    // Pure: no descriptor, no clock, no C library.
    .target(name: "Bytes"),
    .target(name: "HTTP", dependencies: ["Bytes"]),
    .target(name: "OAuth", dependencies: ["Bytes", "JSON"]),
    .target(name: "DeviceGrant", dependencies: ["Bytes", "JSON", "OAuth"]),
    .target(name: "Configuration", dependencies: ["Bytes", "HTTP", "JSON"]),
    .target(name: "Agent", dependencies: ["Bytes", "Configuration", "DeviceGrant", "OAuth"]),

    // One door to each library and to the kernel.
    .target(name: "Linux", dependencies: ["Bytes", "CLinux"]),
    .target(
      name: "TLS", dependencies: ["Bytes", "CMbedTLS", "Linux"],
      linkerSettings: [
        .linkedLibrary("mbedtls"), .linkedLibrary("mbedx509"), .linkedLibrary("mbedcrypto"),
      ]),
    .target(
      name: "JSON", dependencies: ["Bytes", "CJansson"],
      linkerSettings: [.linkedLibrary("jansson")]),
    .target(
      name: "QR", dependencies: ["Bytes", "CQRencode"],
      linkerSettings: [.linkedLibrary("qrencode")]),

    .target(name: "TokenStore", dependencies: ["Bytes", "JSON", "Linux", "OAuth"]),
    .target(name: "Display", dependencies: ["Bytes", "Configuration", "Linux", "QR"]),

    // The life of the agent, over a world.
    .target(
      name: "Board",
      dependencies: [
        "Agent", "Bytes", "Configuration", "DeviceGrant", "Display", "HTTP", "JSON", "Linux",
        "OAuth", "TLS", "TokenStore",
      ]),

    // The command line, the settings and the help, as values.
    .target(
      name: "Invocation", dependencies: ["Board", "Bytes", "Configuration", "Display", "Linux"]),

    .executableTarget(
      name: "devicegrant",
      dependencies: [
        "Agent", "Board", "Bytes", "CMemory", "Configuration", "Display", "Invocation", "JSON",
        "Linux", "OAuth", "TLS", "TokenStore",
      ]),

    // What the tests share.
    .target(name: "TestSupport", dependencies: ["Bytes", "OAuth"], path: "Tests/TestSupport"),
    // Lives in virtual time, and the command that lives many of them.
    .target(
      name: "Simulation",
      dependencies: [
        "Board", "Bytes", "Configuration", "Display", "Linux", "OAuth", "TLS", "TestSupport",
        "TokenStore",
      ],
      path: "Tests/Simulation"),
    .executableTarget(name: "simulate", dependencies: ["Simulation"], path: "Tests/simulate"),
    .testTarget(
      name: "SimulationTests",
      dependencies: ["Bytes", "Display", "Linux", "Simulation", "TestSupport"]),
    .testTarget(
      name: "AgentTests",
      dependencies: ["Agent", "Bytes", "Configuration", "DeviceGrant", "OAuth", "TestSupport"]),
    .testTarget(
      name: "BoardTests",
      dependencies: [
        "Agent", "Board", "Bytes", "Configuration", "DeviceGrant", "Display", "HTTP", "JSON",
        "Linux", "OAuth", "TLS", "TestSupport", "TokenStore",
      ]),
    .testTarget(
      name: "ConfigurationTests",
      dependencies: ["Bytes", "Configuration", "HTTP", "JSON", "TestSupport"]),
    .testTarget(
      name: "InvocationTests",
      dependencies: [
        "Board", "Bytes", "Configuration", "Display", "Invocation", "Linux", "TestSupport",
      ]),
    .testTarget(name: "BytesTests", dependencies: ["Bytes", "TestSupport"]),
    .testTarget(
      name: "DisplayTests", dependencies: ["Bytes", "Configuration", "Display", "Linux", "QR"]),
    .testTarget(name: "JSONTests", dependencies: ["Bytes", "JSON", "TestSupport"]),
    .testTarget(name: "LinuxTests", dependencies: ["Bytes", "CLinux", "Linux", "TestSupport"]),
    .testTarget(name: "QRTests", dependencies: ["QR"]),
    .testTarget(name: "TLSTests", dependencies: ["Bytes", "TLS", "TestSupport"]),
    .testTarget(name: "TidyTests", dependencies: ["Bytes", "Configuration", "TestSupport"]),
    .testTarget(
      name: "TokenStoreTests",
      dependencies: ["Bytes", "Linux", "OAuth", "Simulation", "TestSupport", "TokenStore"]),
    .testTarget(
      name: "DeviceGrantTests", dependencies: ["Bytes", "DeviceGrant", "OAuth", "TestSupport"]),
    .testTarget(
      name: "OAuthTests", dependencies: ["Bytes", "OAuth", "TestSupport"]),
    .testTarget(name: "HTTPTests", dependencies: ["Bytes", "HTTP", "TestSupport"]),
  ]
)

// What board/fuzz builds, with options that no other target bears; it takes the place of the tests.
if Context.environment["DEVICEGRANT_FUZZ"] != nil {
  package.targets.removeAll { $0.type == .test }
  package.targets.append(
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "Agent", "Board", "Bytes", "CMbedTLS", "Configuration", "DeviceGrant", "Display", "HTTP",
        "Invocation", "JSON", "Linux", "OAuth", "QR", "TLS", "TestSupport", "TokenStore",
      ],
      path: "Tests/Fuzz", exclude: ["Seeds", "faults.txt"]))
}

extension Target {
  /// Whether it is never built for a board.
  var isOrdinary: Bool { name == "Simulation" || name == "simulate" || name == "fuzz" }
}

for target in package.targets where target.type != .system {
  target.swiftSettings = [
    .enableExperimentalFeature("Lifetimes"),
    .enableExperimentalFeature("RawLayout"),
    .enableExperimentalFeature("AddressableParameters"),
    .enableExperimentalFeature("SuppressedAssociatedTypes"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
    // The C library's types look the same in every module that holds them, the toolchain's `Glibc`
    // among them, which the compiler may load for a name that it looks up.
    .unsafeFlags(["-Xcc", "-D_GNU_SOURCE=", "-Xcc", "-D_FILE_OFFSET_BITS=64"]),
  ]
  if target.type != .test, !target.isOrdinary {
    // Reports what Embedded Swift would refuse already in the ordinary build.
    target.swiftSettings! += [.treatWarning("EmbeddedRestrictions", as: .error)]
  }
  if target.type != .test, target.name != "TestSupport", !target.isOrdinary {
    // What the compiler can't prove is marked `unsafe`; `SafetyTests` knows where it may be.
    target.swiftSettings! += [.strictMemorySafety()]
  }
}
