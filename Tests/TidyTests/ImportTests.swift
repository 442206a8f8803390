import Testing

/// The architecture, as far as imports show it: who may know whom.
@Suite struct ImportTests {
  /// What each target may import; a C library has one door.
  static let allowed: [String: Set<String>] = [
    "Bytes": [],
    "HTTP": ["Bytes"],
    "JSON": ["Bytes", "CJansson"],
    "OAuth": ["Bytes", "JSON"],
    "DeviceGrant": ["Bytes", "JSON", "OAuth"],
    "Configuration": ["Bytes", "HTTP", "JSON"],
    "Agent": ["Bytes", "Configuration", "DeviceGrant", "OAuth"],
    "Linux": ["Bytes", "CLinux"],
    "TLS": ["Bytes", "CMbedTLS", "Linux"],
    "QR": ["Bytes", "CQRencode"],
    "TokenStore": ["Bytes", "JSON", "Linux", "OAuth"],
    "Display": ["Bytes", "Configuration", "Linux", "QR"],
    "Board": [
      "Agent", "Bytes", "Configuration", "DeviceGrant", "Display", "HTTP", "JSON", "Linux", "OAuth",
      "TLS", "TokenStore",
    ],
    "Invocation": ["Board", "Bytes", "Configuration", "Display", "Linux"],
    "devicegrant": [
      "Agent", "Board", "Bytes", "CMemory", "Configuration", "Display", "Invocation", "JSON",
      "Linux", "OAuth", "TLS", "TokenStore",
    ],
  ]

  private struct Import {
    var place: String
    var target: String
    var module: String
  }

  private let imports: [Import] = SourceFile.all(in: ["Sources"], ["swift"]).flatMap { file in
    file.lines.enumerated().compactMap { index, line -> Import? in
      let words = line.trimmed.split(separator: " ")
      guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count,
        words[..<keyword].allSatisfy({ ["public", "internal", "private"].contains($0) })
      else { return nil }
      return Import(
        place: file.place(index), target: String(file.path.split(separator: "/")[1]),
        module: String(words[keyword + 1]))
    }
  }

  @Test func everyTargetImportsOnlyWhatTheDesignAllows() {
    let faults = imports.filter { Self.allowed[$0.target]?.contains($0.module) != true }
    #expect(faults.map { "\($0.place): \($0.module)" } == [])
  }

  @Test func everyCLibraryHasOneDoor() {
    let doors = Dictionary(
      grouping: imports.filter { $0.module.wholeMatch(of: /C[A-Z]\w+/) != nil }
    ) {
      $0.module
    }
    #expect(doors["CLinux"] != nil)
    for (module, imports) in doors {
      #expect(Set(imports.map(\.target)).count == 1, "\(module)")
    }
  }
}
