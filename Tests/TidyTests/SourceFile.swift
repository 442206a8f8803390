import Foundation

/// A file of this repository.
struct SourceFile {
  /// From the repository's root, as in "Sources/HTTP/URL.swift".
  var path: String
  var lines: [String]

  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// The file at a path from the repository's root.
  static func at(_ path: String) throws -> SourceFile {
    let text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
    return SourceFile(path: path, lines: text.components(separatedBy: "\n"))
  }

  /// All files below `directories` whose names end in one of `extensions`, in order.
  static func all(in directories: [String], _ extensions: Set<String>) -> [SourceFile] {
    directories.flatMap { directory -> [SourceFile] in
      let base = root.appending(path: directory)
      let names = FileManager.default.enumerator(atPath: base.path())?.compactMap { $0 as? String }
      return (names ?? []).sorted().compactMap { name in
        guard extensions.contains(URL(filePath: name).pathExtension),
          let data = FileManager.default.contents(atPath: base.appending(path: name).path())
        else { return nil }
        return SourceFile(
          path: "\(directory)/\(name)",
          lines: String(decoding: data, as: UTF8.self).components(separatedBy: "\n"))
      }
    }
  }

  /// The file and line as compilers write them.
  func place(_ index: Int) -> String { "\(path):\(index + 1)" }
}

extension String {
  var trimmed: String { trimmingCharacters(in: .whitespaces) }

  var indentation: Int { prefix { $0 == " " }.count }
}
