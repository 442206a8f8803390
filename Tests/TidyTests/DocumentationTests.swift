import Testing

@Suite struct DocumentationTests {
  /// What a protocol or the language asks for, and explains there.
  private static let witnesses: Set<String> = [
    "append", "isTruncated", "appendInterpolation", "appendLiteral", "StringInterpolation",
    "StringLiteralType", "==", "!=", "|",
  ]

  /// Public types and functions without a doc comment. Stored properties, cases and plain
  /// initialisers may speak for themselves, and so may the overloads behind a function.
  private func undocumented(in file: SourceFile) -> [String] {
    let declaration =
      #/
      (@\S+\ )*public\ ((static|mutating|borrowing|consuming)\ )*
      (struct|enum|protocol|typealias|func)\ (?<name>[\w=!|]+)
      /#
    var seen = Self.witnesses
    var faults: [String] = []
    for (index, line) in file.lines.enumerated() {
      guard let match = line.trimmed.prefixMatch(of: declaration) else { continue }
      let before = file.lines[..<index].last { !$0.trimmed.hasPrefix("@") } ?? ""
      let isNew = seen.insert(String(match.name)).inserted
      if isNew, !before.trimmed.hasPrefix("///") {
        faults.append("\(file.place(index)): \(match.name)")
      }
    }
    return faults
  }

  @Test func everyPublicTypeAndFunctionIsDocumented() {
    let faults = SourceFile.all(in: ["Sources"], ["swift"]).flatMap(undocumented)
    #expect(faults == [])
  }

  @Test func aMissingCommentIsFound() {
    let file = SourceFile(
      path: "x",
      lines: ["/// Yes.", "public func told() {}", "", "@inlinable", "public func not() {}"])
    #expect(undocumented(in: file) == ["x:5: not"])
  }
}
