import Bytes
import Foundation
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

  /// However they are written, and whether or not there is a file yet.
  @Test(arguments: [
    ("state/tokens.json", true), ("state/./tokens.json", true), ("state//tokens.json", true),
    ("state/../state/tokens.json", true), ("other/tokens.json", true), ("link", true),
    ("twin", true), ("state/tokens", false), ("tokens.json", false),
    ("none/tokens.json", false),
  ])
  func twoPathsOfOneFile(name: String, isSame: Bool) throws {
    let directory = TemporaryDirectory()
    let place = directory.name
    #expect(mkdir("\(place)/state", 0o700) == 0)
    #expect(symlink("state", "\(place)/other") == 0)
    let token = directory.path("state/tokens.json")
    let hasOwnName = name != "link" && name != "twin"
    if hasOwnName { #expect(directory.path(name).leads(whereDoes: token) == isSame) }
    try FileDescriptor(opening: token, .writeOnly | .create, mode: 0o600).write(text: "x")
    #expect(symlink("state/tokens.json", "\(place)/link") == 0)
    #expect(link("\(place)/state/tokens.json", "\(place)/twin") == 0)
    #expect(directory.path(name).leads(whereDoes: token) == isSame)
  }

  @Test(
    arguments: [
      (0o600, false), (0o644, false), (0o755, false), (0o620, true), (0o602, true), (0o777, true),
    ] as [(mode_t, Bool)])
  func whoElseMayChangeAFile(mode: mode_t, isOpen: Bool) throws {
    let directory = TemporaryDirectory()
    let path = directory.path("x")
    try FileDescriptor(opening: path, .writeOnly | .create, mode: 0o600).write(text: "x")
    #expect(chmod("\(directory.name)/x", mode) == 0)
    #expect(try path.status().isOpenToOthers == isOpen)
    if geteuid() != 0 { return }
    #expect(chown("\(directory.name)/x", 4321, 0) == 0)
    #expect(try path.status().isOpenToOthers)
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
