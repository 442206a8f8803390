import Foundation
import Testing

/// Numbers in documents: those that the sources fix, and none that would be wrong tomorrow.
@Suite struct DocumentFigureTests {
  private let documents: [Document]
  private let text: String
  private let codes: Set<Int>

  init() throws {
    documents = try Document.all()
    let sources = SourceFile.all(in: ["Sources"], ["swift"])
    text = sources.map { $0.lines.joined(separator: "\n") }.joined(separator: "\n")
    let start = try #require(text.firstRange(of: "enum ExitCode"))
    let body = text[start.upperBound...].prefix { $0 != "}" }
    codes = Set(body.matches(of: /case \w+ = (\d+)/).compactMap { Int($0.output.1) })
  }

  // MARK: Exit codes

  @Test func theManualHasTheExitCodes() throws {
    let manual = try #require(documents.first { $0.name == "Manual.md" })
    let rows = manual.section("Exit codes").compactMap { $0.firstMatch(of: /^\| (\d+) \|/) }
    #expect(Set(rows.compactMap { Int($0.output.1) }) == codes)
    #expect(rows.count == codes.count)
  }

  @Test func theManPageHasTheExitCodes() throws {
    let lines = try SourceFile.at("board/debian/devicegrant.1").lines
    let first = try #require(lines.firstIndex(of: ".Sh EXIT STATUS"))
    let section = lines[(first + 1)...].prefix { !$0.hasPrefix(".Sh") }
    let told = section.compactMap { $0.wholeMatch(of: /\.It (\d+)/) }
    #expect(Set(told.compactMap { Int($0.output.1) }) == codes)
  }

  @Test func theHelpHasTheExitCodes() throws {
    let start = try #require(text.firstRange(of: "exit codes: "))
    let list = text[start.upperBound...].prefix(400)
    let end = list.firstRange(of: "\n\n")?.lowerBound ?? list.endIndex
    #expect(Set(list[..<end].matches(of: /\d+/).compactMap { Int($0.output) }) == codes)
  }

  private func wrongCodes(_ document: Document) -> [String] {
    document.lines.enumerated().flatMap { index, line in
      line.matches(of: /(?:with|exit code|exit) (\d\d)(?![\d.,]| (?:bits|bytes|columns|ms|s) )/)
        .compactMap { Int($0.output.1) }.filter { !codes.contains($0) }
        .map { "\(document.place(index)): \($0)" }
    }
  }

  @Test func noOtherExitCodeIsNamed() {
    #expect(documents.filter { $0.name != "Decisions.md" }.flatMap(wrongCodes) == [])
    #expect(wrongCodes(Document(path: "x", lines: ["ends with 78, or with 79"])) == ["x:1: 79"])
  }

  // MARK: Figures

  /// Figures that change with the sources, outside of the block that a command prints.
  private func figures(_ document: Document) -> [String] {
    var isPrinted = false
    return document.lines.enumerated().flatMap { index, line -> [String] in
      if line == "<!-- figures -->" { isPrinted = true }
      if line == "<!-- end of figures -->" { isPrinted = false }
      if isPrinted { return [] }
      let counts = line.matches(
        of: /\d+ (?:unit |acceptance )?(?:tests|suites|keys|lines|targets|presets|providers)/)
      let sizes = line.matches(of: /\d,\d{3}/)
      return (counts.map(\.output) + sizes.map(\.output)).map { "\(document.place(index)): \($0)" }
    }
  }

  @Test func figuresStandInOnePlace() throws {
    #expect(documents.filter { $0.name != "Decisions.md" }.flatMap(figures) == [])
    let blocks = documents.filter { $0.lines.contains("<!-- figures -->") }
    #expect(blocks.map(\.name) == ["Manual.md"])
    #expect(blocks.first?.lines.filter { $0 == "<!-- end of figures -->" }.count == 1)
    // What is printed there would be found, were it anywhere else.
    var bare = try #require(blocks.first)
    bare.lines.removeAll { $0.hasPrefix("<!--") }
    #expect(figures(bare).count > 10)
  }

  @Test func aCountIsFound() {
    let document = Document(path: "x", lines: ["28 keys, 16 KiB", "618 unit tests", "9 lives"])
    #expect(figures(document) == ["x:1: 28 keys", "x:2: 618 unit tests"])
  }

  // MARK: Formats

  @Test func whatFormatsNamesIsInTheSources() throws {
    let formats = try #require(documents.first { $0.name == "Formats.md" })
    var literals = formats.entries("member") + formats.entries("name") + formats.entries("reason")
    #expect(literals.count > 15)
    literals.removeAll { text.contains("\"\($0)\"") }
    #expect(literals == [])
    let variables = formats.entries("variable").map { $0.replacing("DEVICEGRANT_", with: "") }
    #expect(variables.count > 6)
    #expect(variables.filter { !text.contains($0) } == [])
  }

  /// The words that a function of a source file knows.
  private func words(_ path: String, _ head: String) throws -> [String] {
    let lines = try SourceFile.at(path).lines
    let first = try #require(lines.firstIndex { $0.trimmed == head })
    let body = lines[first...].prefix { $0 != "  }" }
    return body.flatMap { $0.matches(of: /"(\w+)"/).map { String($0.output.1) } }
  }

  @Test(arguments: [
    ("fault", "Sources/Board/Fault.swift", "public var code: StaticString {"),
    ("state", "Sources/Agent/State.swift", "public var name: StaticString {"),
    ("reason", "Sources/Board/HandOut.swift", "var name: StaticString {"),
  ])
  func tablesOfWordsAreTheSources(head: String, path: String, function: String) throws {
    let formats = try #require(documents.first { $0.name == "Formats.md" })
    let words = try words(path, function)
    #expect(words.count > 2)
    #expect(Set(words).count == words.count)
    #expect(formats.entries(head).sorted() == words.sorted())
  }

  @Test func whatTheSourcesWriteIsInFormats() throws {
    let formats = try #require(documents.first { $0.name == "Formats.md" })
    let store = SourceFile.all(in: ["Sources/TokenStore"], ["swift"])
      .map { $0.lines.joined(separator: "\n") }.joined()
    let members = text.matches(of: /[mM]ember\(\s*"(\w+)"/).map { String($0.output.1) }
    #expect(members.count > 30)
    #expect(Set(members).subtracting(formats.entries("member")) == [])
    let names = store.matches(of: /: "(\.[a-z]+)"/).map { String($0.output.1) }
    #expect(names.count > 5)
    #expect(Set(names).subtracting(formats.entries("name")) == [])
    let facts = text.matches(of: /fact\(\s*"(\w+)"/).map { "DEVICEGRANT_\($0.output.1)" }
    #expect(facts.count > 5)
    #expect(Set(facts).subtracting(formats.entries("variable")) == [])
  }
}
