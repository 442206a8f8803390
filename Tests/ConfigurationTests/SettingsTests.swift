import Bytes
import Configuration
import TestSupport
import Testing

@Suite struct KeyTests {
  @Test func everyKeyIsFoundUnderItsThreeNames() {
    #expect(allKeys().count == Key.count && Key.count >= 28)
    #expect(Key(rawValue: UInt8(Key.count)) == nil)
    for key in allKeys() {
      let name = string(key.name.bytes)
      let option = Array(name.replacing("_", with: "-").utf8)
      let variable = Array("DEVICEGRANT_\(name.uppercased())".utf8)
      #expect(Key(named: key.name.bytes) == key)
      #expect(Key(option: option.span) == (key == .clientSecret ? nil : key))
      #expect(Key(environment: variable.span) == key)
    }
    #expect(Set(allKeys().map { string($0.name.bytes) }).count == Key.count)
  }

  @Test(arguments: allKeys()) func aNameIsThatOfItsCase(key: Key) {
    let words = "\(key)".replacing("ID", with: "Id").replacing(/[A-Z]/) {
      "_\($0.output.lowercased())"
    }
    #expect(string(key.name.bytes) == words)
  }

  @Test(
    arguments: [("CLIENT_ID", .clientID), ("CLIENT_SECRET", .clientSecret)] as [(String, Key)])
  func theSamplesVariablesAreTaken(name: String, key: Key) {
    let bytes = Array(name.utf8)
    #expect(Key(environment: bytes.span) == key)
  }

  @Test(arguments: [
    "", "CA_FILE", "DEVICEGRANT_", "DEVICEGRANT_CONFIG", "DEVICEGRANT_CA-FILE", "client_id",
    "XDEVICEGRANT_CA_FILE", "DEVICEGRANT_CA_FILE_", "CLIENT_SECRET_FILE",
    "DEVICEGRANT_" + String(repeating: "A", count: 300),
  ])
  func otherVariablesAreNoKeys(name: String) {
    let bytes = Array(name.utf8)
    #expect(Key(environment: bytes.span) == nil)
  }

  @Test(arguments: [
    "", "ca_file", "CA-FILE", "ca-fil", "ca-file-", "-ca-file", "ca--file",
    String(repeating: "a", count: 300),
  ])
  func otherOptionsAreNoKeys(name: String) {
    let bytes = Array(name.utf8)
    #expect(Key(option: bytes.span) == nil)
  }
}

@Suite struct SettingsTests {
  /// From the weakest to the strongest.
  private let sources: [(origin: Origin, value: String)] = [
    (.file(line: 1), "file"), (.sampleEnvironment, "sample"), (.environment, "environment"),
    (.option, "option"),
  ]

  @Test(arguments: allKeys())
  func theStrongestSourceCountsInWhateverOrderTheyCome(key: Key) {
    for subset in 0..<16 {
      let present = sources.indices.filter { subset & 1 << $0 != 0 }
      for order in [present, present.reversed()] {
        var settings = Settings()
        for index in order {
          settings.set(key, permanent(sources[index].value), sources[index].origin)
        }
        #expect(value(settings[key]) == present.last.map { sources[$0].value })
        #expect(settings[key]?.origin == present.last.map { sources[$0].origin })
        for other in allKeys() where other != key { #expect(value(settings[other]) == nil) }
      }
    }
  }

  @Test(arguments: allKeys())
  func anOptionCanBeGivenOnce(key: Key) throws {
    var settings = Settings()
    settings.set(key, permanent("environment"), .environment)
    try settings.setOption(key, permanent("one"))
    #expect(value(settings[key]) == "one")
    #expect(
      fault { try settings.setOption(key, permanent("two")) }
        == "duplicate option \(string(key.name.bytes))")
  }

  @Test(arguments: [
    ("scope = a b", "a b"), ("scope=a", "a"), ("\t scope\t=\ta \t", "a"), ("scope =", ""),
    ("scope = a=b=", "a=b="), ("scope = a # comment", "a"), ("scope = a#b", "a#b"),
    ("scope = a\t#", "a"), ("scope = # comment", ""), ("scope =# comment", "# comment"),
    ("scope = \"a\"", "\"a\""), ("scope = a\tb", "a\tb"), ("scope = ä", "ä"),
    ("\u{FEFF}scope = a", "a"), ("scope = a\r\n", "a"), ("\r\n\r\nscope = a\r\n", "a"),
    ("# scope = b\n  # more\n\n \t \nscope = a", "a"), ("scope = a\n\n\n", "a"),
  ])
  func aLineHasAKeyAndAValue(file: String, expected: String) throws {
    #expect(try value(settings(file)[.scope]) == expected)
  }

  @Test func everyKeyCanStandInAFile() throws {
    let file = allKeys().map { "\(string($0.name.bytes)) = \($0.rawValue)" }
    let settings = try settings(file.joined(separator: "\r\n"))
    for key in allKeys() {
      #expect(value(settings[key]) == "\(key.rawValue)")
      #expect(settings[key]?.origin == .file(line: Int(key.rawValue) + 1))
    }
  }

  @Test(arguments: ["", "\n", "\u{FEFF}", "#", "# \u{1B}[2J", "\r\n \t"])
  func aFileMayBeEmpty(file: String) throws {
    let settings = try settings(file)
    for key in allKeys() { #expect(value(settings[key]) == nil) }
  }

  @Test(arguments: [
    ("scope", "malformed line 1"), ("\n\nscope a", "malformed line 3"),
    ("# =\n[section]", "malformed line 2"), ("scope # = a", "malformed line 1"),
    ("scope = a\0", "malformed line 1"), ("scope = \u{1B}[2J", "malformed line 1"),
    ("scope = a\u{7F}", "malformed line 1"), ("=", "malformed line 1"),
    // What is left of a secret that was wrapped.
    ("client_secret = abc\nS3cr3tEnd==", "malformed line 2"), ("S3cr3tEnd=", "malformed line 1"),
    ("= a", "unknown key  in line 1"), ("\r\nscop = a", "unknown key scop in line 2"),
    ("Scope = a", "unknown key Scope in line 1"),
    ("ca-file = a", "unknown key ca-file in line 1"),
    ("scope = a\n\u{FEFF}scope = b", "unknown key \u{FEFF}scope in line 2"),
    ("scope = a\nscope = a", "duplicate key scope in line 2"),
    ("scope =\n# x\n\nscope = a", "duplicate key scope in line 4"),
    ("a scope = b", "unknown key a scope in line 1"),
  ])
  func faultsAreFoundWithTheirLine(file: String, expected: String) {
    #expect(fault { _ = try settings(file) } == expected)
  }

  @Test func aKeyInTheFileTwiceIsAFaultAlsoBelowAnOption() throws {
    var settings = Settings()
    try settings.setOption(.scope, permanent("x"))
    #expect(
      fault { try settings.readFile(permanent("scope = a\nscope = b")) }
        == "duplicate key scope in line 2")
  }

  @Test func randomFilesNeverTrap() {
    var generator = SeededGenerator(seed: 5)
    let pieces = ["scope", "=", " ", "\n", "#", "\r", "client_id", "\t", "\u{FEFF}", "x", "\0"]
    var good = 0
    for _ in 0..<20000 {
      let file = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
        pieces.randomElement(using: &generator)!
      }
      if fault({ _ = try settings(file.joined()) }) == "none" { good += 1 }
    }
    #expect((1000..<19000).contains(good))
  }
}
