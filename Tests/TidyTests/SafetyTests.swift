import Testing

/// Unsafe code is in the doors, and the compiler asks for a mark at each use of it.
@Suite struct SafetyTests {
  /// Where unsafe code may be, as the beginning of a path.
  static let doors: [String] = {
    let lines = (try? SourceFile.at("board/doors.txt").lines) ?? []
    return lines.filter { !$0.hasPrefix("#") }.compactMap {
      $0.split(separator: " ").first.map(String.init)
    }
  }()

  private let sources = SourceFile.all(in: ["Sources"], ["swift"])

  private func isUnsafe(_ line: String) -> Bool {
    guard !line.trimmed.hasPrefix("//") else { return false }
    let words =
      /\b(with|_)?[Uu]nsafe([A-Z]\w*)?\b|\b(assumingMemoryBound|bindMemory|_overrideLifetime)\b/
    return line.contains(words) || line.contains("@unchecked")
  }

  @Test func unsafeCodeIsInTheDoors() {
    let others = sources.filter { file in
      !Self.doors.contains { file.path.hasPrefix($0) }
    }
    #expect(others.contains { $0.path == "Sources/Board/Life.swift" })
    #expect(Self.doors.contains("Sources/Linux/"))
    let faults = others.flatMap { file in
      file.lines.indices.filter { isUnsafe(file.lines[$0]) }.map { file.place($0) }
    }
    #expect(faults == [])
  }

  /// A door that has been walled up is taken off the list.
  @Test(arguments: doors) func everyDoorIsOne(_ door: String) {
    let files = sources.filter { $0.path.hasPrefix(door) }
    #expect(files.contains { $0.lines.contains(where: isUnsafe) })
  }

  /// The executable's world lends itself by the one unsafe line that no library can take.
  @Test func theWorldHasOneUnsafeFunction() throws {
    let file = try SourceFile.at("Sources/devicegrant/KernelWorld.swift")
    #expect(file.lines.filter(isUnsafe).count == 2)
  }

  /// One loop gives the settings to all: it leaves out the tests and what they share.
  @Test func everyTargetIsStrict() throws {
    let lines = try SourceFile.at("Package.swift").lines.map(\.trimmed)
    let setting = try #require(lines.lastIndex { $0.contains(".strictMemorySafety()") })
    let condition = lines[..<setting].last { $0.hasPrefix("if ") }
    let exceptions = #"target.name != "TestSupport", !target.isOrdinary"#
    #expect(condition == "if target.type != .test, \(exceptions) {")
    #expect(lines.contains("for target in package.targets where target.type != .system {"))
  }
}
