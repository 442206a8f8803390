import Foundation

/// A document of this repository, in Markdown.
struct Document {
  /// From the repository's root, as in ".github/SECURITY.md".
  var path: String
  var lines: [String]

  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// All of them.
  static func all() throws -> [Document] {
    let files =
      try [SourceFile.at("README.md")]
      + SourceFile.all(in: [".github", "Sources", "Tests"], ["md"])
    return files.map { Document(path: $0.path, lines: $0.lines) }
  }

  /// The one of that file's name.
  static func named(_ name: String) throws -> Document? {
    try all().first { $0.name == name }
  }

  var name: String { URL(filePath: path).lastPathComponent }

  /// The file and line as compilers write them.
  func place(_ index: Int) -> String { "\(path):\(index + 1)" }

  /// What stands in back-quotes or is indented as code, with the index of its line.
  var code: [(line: Int, text: String)] {
    lines.enumerated().flatMap { index, line -> [(line: Int, text: String)] in
      if line.hasPrefix("    ") { return [(index, line.trimmed)] }
      return line.matches(of: /`([^`]+)`/).map { (index, String($0.1)) }
    }
  }

  /// What its links and pictures lead to, but for other servers.
  var links: [(line: Int, target: String)] {
    lines.enumerated().flatMap { index, line -> [(line: Int, target: String)] in
      let plain = line.replacing(/`[^`]*`/, with: "")
      let found =
        plain.matches(of: /\]\(([^)\s]+)\)/).map { String($0.1) }
        + plain.matches(of: /src="([^"]+)"/).map { String($0.1) }
        + plain.matches(of: /^\[[^\]]+\]: (\S+)/).map { String($0.1) }
        + plain.matches(of: /<doc:(\w+)>/).map { "\($0.1).md" }
      return found.filter { !$0.contains("://") }.map { (index, $0) }
    }
  }

  /// The anchors of its headings.
  var anchors: Set<String> {
    Set(lines.filter { $0.hasPrefix("#") }.map(Self.anchor))
  }

  private static func anchor(of heading: String) -> String {
    let words = heading.drop { $0 == "#" || $0 == " " }.lowercased()
    return String(words.filter { $0.isLetter || $0.isNumber || " -_".contains($0) })
      .replacing(" ", with: "-")
  }

  /// The rows of the table that begins with that cell, as their cells.
  func table(_ head: String) -> [[String]] {
    guard let first = lines.firstIndex(where: { $0.hasPrefix("| \(head) |") }) else { return [] }
    return lines[(first + 2)...].prefix { $0.hasPrefix("|") }.map { row in
      row.split(separator: "|").map { String($0).trimmed }
    }
  }

  /// What stands in back-quotes in the first cells of all tables that begin with that cell.
  func entries(_ head: String) -> [String] {
    var entries: [String] = []
    for (index, line) in lines.enumerated() where line.hasPrefix("| \(head) |") {
      for row in lines[(index + 2)...].prefix(while: { $0.hasPrefix("|") }) {
        let cell = row.split(separator: "|").first ?? ""
        entries += cell.matches(of: /`([^`]+)`/).map { String($0.1) }
      }
    }
    return entries
  }

  /// The lines below a heading, up to the next one.
  func section(_ heading: String) -> [String] {
    guard let first = lines.firstIndex(where: { $0.hasPrefix("#") && $0.hasSuffix(" " + heading) })
    else { return [] }
    return Array(lines[(first + 1)...].prefix { !$0.hasPrefix("#") })
  }
}

extension String {
  /// The paths from the repository's root in it, with `*` where anything may stand.
  var repositoryPaths: [String] {
    let path =
      #/
      (?:^|[\s(=:])(?:\./)?
      ((?:Sources|Tests|CShims|board|\.github|\.ci)(?:/[\w.+*\-]+)+
      |Package\.swift|README\.md|\.swift-format|\.editorconfig)
      (?=$|[\s),:;/])
      /#
    return matches(of: path).map { String($0.1).replacing("NAME", with: "*") }
  }

  /// Whether there is such a file or directory, as a path from the repository's root.
  var isInRepository: Bool {
    let url = Document.root.appending(path: self)
    let name = url.lastPathComponent
    guard let star = name.firstIndex(of: "*") else {
      return FileManager.default.fileExists(atPath: url.path())
    }
    let names = try? FileManager.default.contentsOfDirectory(
      atPath: url.deletingLastPathComponent().path())
    return names?.contains {
      $0.hasPrefix(name[..<star]) && $0.hasSuffix(name[name.index(after: star)...])
    } ?? false
  }
}
