import Foundation
import Testing

/// The documents say what is so: paths, names, links, codes, members.
@Suite struct DocumentTests {
  /// What the documents name before the sources have it: to be taken out here when it has come.
  static let awaitedPaths: Set<String> = []

  /// What is declared elsewhere.
  private static let foreignTypes: Set<String> = [
    "Array", "Int64", "InlineArray", "Span", "String",
  ]

  private let documents: [Document]
  /// What is declared in the sources.
  private let types: Set<String>

  init() throws {
    documents = try Document.all()
    let keywords: Set = ["struct", "enum", "protocol", "class", "typealias", "associatedtype"]
    let lines = SourceFile.all(in: ["Sources"], ["swift"]).flatMap(\.lines)
    types = Set(
      lines.flatMap { line -> [String] in
        let words = line.split(separator: " ")
        return zip(words, words.dropFirst()).filter { keywords.contains(String($0.0)) }
          .map { String($0.1.prefix { $0.isLetter || $0.isNumber }) }
      })
  }

  @Test func theDocumentsAreFound() {
    #expect(
      Set(documents.map(\.name)).isSuperset(of: [
        "README.md", "Architecture.md", "Decisions.md", "Formats.md", "Manual.md", "Porting.md",
        "Testing.md", "CONTRIBUTING.md", "SECURITY.md",
      ]))
  }

  // MARK: Paths

  private func wrongPaths(_ document: Document) -> [String] {
    document.code.flatMap { line, code in
      code.repositoryPaths
        .filter { !$0.isInRepository && !Self.awaitedPaths.contains($0) }
        .map { "\(document.place(line)): \($0)" }
    }
  }

  @Test func everyPathExists() {
    #expect(documents.flatMap(wrongPaths) == [])
    #expect(documents.flatMap { $0.code.flatMap(\.text.repositoryPaths) }.count > 50)
  }

  @Test func aWrongPathIsFound() {
    let document = Document(
      path: "x",
      lines: [
        "See `Sources/HTTP/URL.swift`, `board/*.json` and `swift test Tests/TidyTests`.",
        "See `Sources/HTTP/None.swift`, `board/*.none`, or", "", "    ./board/none --all",
      ])
    #expect(
      wrongPaths(document) == [
        "x:2: Sources/HTTP/None.swift", "x:2: board/*.none", "x:4: board/none",
      ])
  }

  // MARK: Names

  /// Capitalised words in back-quotes that are no type, no protocol and no target.
  private func wrongTypes(_ document: Document) -> [String] {
    document.code.filter { line, name in
      name.wholeMatch(of: /[A-Z]\w*[a-z]\w*/) != nil && Package.targets[name] == nil
        && !Self.foreignTypes.contains(name) && !types.contains(name)
        && !"CShims/\(name)".isInRepository
    }.map { "\(document.place($0.line)): \($0.text)" }
  }

  @Test(arguments: ["Architecture.md", "Porting.md", "CONTRIBUTING.md", "SECURITY.md"])
  func everyTypeIsDeclared(document: String) throws {
    #expect(wrongTypes(try #require(try Document.named(document))) == [])
  }

  @Test func aWrongTypeIsFound() {
    let document = Document(path: "x", lines: ["`Text`, `HTTP`, `show(_:)`", "`Nothing`, `NAME`"])
    #expect(wrongTypes(document) == ["x:2: Nothing"])
  }

  @Test func whatHasComeIsNoLongerAwaited() {
    #expect(Self.awaitedPaths.filter(\.isInRepository) == [])
  }

  // MARK: Targets

  @Test func theTableOfTargetsIsThePackages() throws {
    let document = try #require(try Document.named("Architecture.md"))
    var told: [String: Set<String>] = [:]
    for row in document.table("target") {
      let name = row[0].replacing("`", with: "")
      told[name] = Set(row[2].split(separator: /[, ]+/).map(String.init))
    }
    #expect(told == Package.targets)
    #expect(ImportTests.allowed == Package.targets)
  }

  @Test func thePackageIsRead() {
    #expect(Package.targets["Bytes"] == [])
    #expect(Package.targets["TLS"] == ["Bytes", "CMbedTLS", "Linux"])
    #expect(Package.targets["TestSupport"] == nil)
    for name in Package.targets.keys { #expect("Sources/\(name)".isInRepository, "\(name)") }
  }
}

/// What documents lead to.
@Suite struct DocumentLinkTests {
  private func wrongLinks(_ document: Document) -> [String] {
    document.links.filter { _, target in
      let parts = target.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
      let url =
        parts[0].isEmpty
        ? Document.root.appending(path: document.path)
        : Document.root.appending(path: document.path).deletingLastPathComponent()
          .appending(path: parts[0]).standardized
      let path = String(url.path().dropFirst(Document.root.path().count))
      if DocumentTests.awaitedPaths.contains(path) { return false }
      guard path.isInRepository else { return true }
      guard parts.count > 1 else { return false }
      return (try? Document(path: path, lines: SourceFile.at(path).lines))?
        .anchors.contains(parts[1]) != true
    }.map { "\(document.place($0.line)): \($0.target)" }
  }

  @Test func everyLinkLeadsSomewhere() throws {
    let documents = try Document.all()
    #expect(documents.flatMap(wrongLinks) == [])
    #expect(documents.flatMap(\.links).count > 30)
  }

  @Test func everyReferenceIsDefined() throws {
    for document in try Document.all() {
      let used = document.lines.flatMap { line in
        line.replacing(/`[^`]*`/, with: "").matches(of: /\]\[([^\]]+)\]/).map { String($0.1) }
      }
      let defined = document.lines.compactMap { line in
        line.prefixMatch(of: /\[([^\]]+)\]:\s/).map { String($0.1) }
      }
      #expect(Set(used) == Set(defined), "\(document.path)")
    }
  }

  @Test func aWrongLinkIsFound() {
    let document = Document(
      path: ".github/x",
      lines: [
        "[a](../README.md#two-commands), [b](https://example.com), `[c](d)`", "",
        "[e](../README.md#three-commands) <img src=\"none.png\">", "[f]: none.md",
      ])
    #expect(
      wrongLinks(document) == [
        ".github/x:3: ../README.md#three-commands", ".github/x:3: none.png", ".github/x:4: none.md",
      ])
  }
}

/// The parts of Package.swift that the architecture is about.
enum Package {
  /// What each target below Sources depends on.
  static let targets: [String: Set<String>] = {
    let text = (try? SourceFile.at("Package.swift").lines.joined(separator: "\n")) ?? ""
    var targets: [String: Set<String>] = [:]
    for match in text.matches(of: /\.(target|executableTarget)\(/) {
      let declaration = arguments(text[match.range.upperBound...])
      guard !declaration.contains("path:"),
        let name = declaration.firstMatch(of: /name: "(\w+)"/)?.output.1
      else { continue }
      let list = declaration.firstMatch(of: /dependencies: \[([^\]]*)\]/)?.output.1 ?? ""
      targets[String(name)] = Set(list.matches(of: /"(\w+)"/).map { String($0.output.1) })
    }
    return targets
  }()

  /// What stands before the parenthesis that closes.
  private static func arguments(_ text: Substring) -> Substring {
    var depth = 1
    return text.prefix { character in
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      return depth > 0
    }
  }
}
