import Bytes
import Linux
import TestSupport
import Testing

@Suite struct PathTests {
  private func text(_ path: Path?) -> String? {
    guard let path else { return nil }
    return string(path.bytes)
  }

  @Test(arguments: ["", "a\0b", "\0", String(repeating: "p", count: 513)])
  func whatIsNoPathIsRefused(text: String) {
    let bytes = Array(text.utf8)
    let path = Path(bytes.span)
    #expect(self.text(path) == nil)
  }

  @Test(arguments: ["/", "a", "/etc/devicegrant.conf", String(repeating: "p", count: 512), "ä\n"])
  func aPathIsKeptByteForByte(text: String) {
    #expect(self.text(makePath(text)) == text)
  }

  @Test(
    arguments: [
      ("/var/lib/tokens.json", "/var/lib", "tokens.json"), ("tokens.json", ".", "tokens.json"),
      ("/tokens.json", "/", "tokens.json"), ("/", "/", nil), ("a/b", "a", "b"), ("a/", "a", nil),
      ("./x", ".", "x"), ("../x", "..", "x"), ("//x", "/", "x"),
    ] as [(String, String, String?)])
  func directoryAndName(path: String, directory: String, name: String?) {
    #expect(text(makePath(path).directory) == directory)
    #expect(text(makePath(path).name) == name)
  }

  @Test func appendingKeepsToTheLimit() {
    #expect(text(makePath("tokens.json").appending(".lock")) == "tokens.json.lock")
    let almost = makePath(String(repeating: "p", count: 508))
    #expect(text(almost.appending(".tmp"))?.utf8.count == 512)
    #expect(text(almost.appending(".lock")) == nil)
  }

  @Test func aPathInAMessageIsEscaped() {
    let line: Text<64> = "\(makePath("/tmp/\u{1B}[2J"))"
    #expect(string(line) == "/tmp/\\x1b[2J")
  }

  @Test func renamingReplacesTheOtherFile() throws {
    let directory = TemporaryDirectory()
    for name in ["new", "old"] {
      try FileDescriptor(opening: directory.path(name), .writeOnly | .create, mode: 0o600)
        .write(text: name)
    }
    try directory.path("new").rename(to: directory.path("old"))
    #expect(directory.content(of: "old") == "new")
    #expect(directory.content(of: "new") == nil)
  }

  @Test func removing() throws {
    let directory = TemporaryDirectory()
    try FileDescriptor(opening: directory.path("x"), .writeOnly | .create, mode: 0o600)
      .write(text: "x")
    try directory.path("x").remove()
    #expect(directory.content(of: "x") == nil)
    let again = failure { () throws(Errno) in try directory.path("x").remove() }
    let rename = failure { () throws(Errno) in
      try directory.path("x").rename(to: directory.path("y"))
    }
    #expect(again == .noSuchFile)
    #expect(rename == .noSuchFile)
  }
}

@Suite struct ErrnoTests {
  @Test(arguments: [
    (Errno.accessDenied, "Permission denied"), (.noSuchFile, "No such file or directory"),
    (Errno(rawValue: 9999), "Unknown error 9999"),
  ])
  func anErrorInWords(error: Errno, expected: String) {
    let line: Text<80> = "\(error)"
    #expect(string(line) == expected)
  }
}
