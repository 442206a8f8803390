import Testing

@Suite struct StyleTests {
  private let swift = SourceFile.all(in: ["Sources", "Tests"], ["swift"])
  private let code = SourceFile.all(
    in: ["Sources", "Tests", "CShims"], ["swift", "h", "modulemap"])

  private func places(_ files: [SourceFile], where isFault: (String) -> Bool) -> [String] {
    files.flatMap { file in
      file.lines.indices.filter { isFault(file.lines[$0]) }.map { file.place($0) }
    }
  }

  @Test func theSourcesAreFound() {
    #expect(swift.contains { $0.path == "Sources/HTTP/URL.swift" })
    #expect(code.contains { $0.path == "CShims/CLinux/linux.h" })
  }

  @Test func noLineHasMoreThanAHundredColumns() {
    #expect(places(code) { $0.count > 100 } == [])
  }

  @Test func noLineHasTabsOrBlanksAtItsEnd() {
    #expect(places(code) { $0.contains("\t") || $0.hasSuffix(" ") || $0.hasSuffix("\r") } == [])
  }

  @Test func everyFileEndsWithOneLineEnd() {
    let faults = code.filter { $0.lines.last != "" || $0.lines.dropLast().last == "" }
    #expect(faults.map(\.path) == [])
  }

  @Test func noPathOfSomebodysMachineIsWrittenDown() {
    let all = SourceFile.all(
      in: ["Sources", "Tests", "CShims", "board", ".github"],
      ["", "swift", "h", "modulemap", "json", "py", "sh", "service", "txt", "md", "yml"])
    let homes = ["home", "Users", "root", "work"].map { "/" + $0 + "/" }
    #expect(places(all) { line in homes.contains { line.contains($0) } } == [])
  }

  @Test func noFunctionHasMoreThanSixtyLines() {
    let faults = swift.flatMap { file in
      file.functions.filter { $0.count > 60 }.map {
        "\(file.place($0.lowerBound)): \($0.count) lines"
      }
    }
    #expect(faults == [])
    // Whoever changes how functions are found shall notice when none is found.
    let longest = swift.flatMap { $0.functions.map(\.count) }.max()
    #expect((30...60).contains(longest ?? 0))
  }
}

extension SourceFile {
  /// The lines of each function and initialiser that has a body of more than one line, from its
  /// first word to its closing brace. The sources are formatted, so indentation tells which it is.
  var functions: [Range<Int>] {
    let beginning = /(\w+(\(\w+\))? |@\w+(\([^)]*\))? )*(func |init[?<(]|deinit \{|subscript\()/
    return lines.indices.compactMap { first in
      let line = lines[first]
      guard line.trimmed.prefixMatch(of: beginning) != nil, hasBody(first) else { return nil }
      let closing = String(repeating: " ", count: line.indentation) + "}"
      let end = lines[(first + 1)...].firstIndex { $0.hasPrefix(closing) }
      return end.map { first..<($0 + 1) }
    }
  }

  /// Whether the declaration at `first` opens a brace that its line does not close.
  private func hasBody(_ first: Int) -> Bool {
    for line in lines[first...].prefix(20) {
      if line.hasSuffix("{") || line.wholeMatch(of: /.*\{ \(?[^{}]*\)?( -> \S+)? in/) != nil {
        return true
      }
      if line.hasSuffix("}") || line.isEmpty { return false }
    }
    return false
  }
}
