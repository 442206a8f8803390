import Bytes
import Linux
import QR
import Testing

@testable import Display

@Suite struct ConsoleTests {
  static let styles: [ConsoleStyle] = [
    .halfBlocks(colours: true), .halfBlocks(colours: false), .backgrounds, .plain,
  ]

  private func printed(
    _ code: SignInCode, _ style: ConsoleStyle, columns: Int = 80, rows: Int? = 24
  ) throws -> [String] {
    let text = try shown(.code(code), style, columns: columns, rows: rows)
    #expect(text.hasSuffix("\n"))
    return text.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  private func shown(
    _ screen: Screen, _ style: ConsoleStyle = .plain, columns: Int = 80, rows: Int? = nil
  ) throws -> String {
    let path = temporary("console")
    let file = try FileDescriptor(opening: path, .writeOnly | .create, mode: 0o600)
    var display = ConsoleDisplay(
      descriptor: file.rawValue, style: style, columns: columns, rows: rows)
    try display.show(screen)
    let bytes = try contents(path)
    try path.remove()
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The line without colours.
  private func bare(_ line: String) -> String {
    line.replacing(/\u{1B}\[[0-9;]*m/, with: "")
  }

  /// The modules that the lines show, light as a person sees them, quiet zone included.
  private func modules(_ lines: [String], _ style: ConsoleStyle) -> [[Bool]] {
    var modules: [[Bool]] = []
    for line in lines {
      switch style {
      case .halfBlocks:
        let isPicture = bare(line).allSatisfy { " █▀▄".contains($0) }
        guard isPicture, line.count > 20 else { continue }
        let above = bare(line).map { $0 == " " || $0 == "▄" }
        let below = bare(line).map { $0 == " " || $0 == "▀" }
        modules += [above, below]
      case .backgrounds:
        guard line.contains("47;107m") else { continue }
        var isDark = false
        var row: [Bool] = []
        var rest = line[...]
        while !rest.isEmpty {
          if rest.hasPrefix("\u{1B}[40m") {
            isDark = true
            rest = rest.dropFirst(5)
          } else if rest.hasPrefix("\u{1B}[37;47;107m") {
            isDark = false
            rest = rest.dropFirst(12)
          } else if rest.hasPrefix("\u{1B}[0m") {
            rest = rest.dropFirst(4)
          } else {
            row.append(isDark)
            rest = rest.dropFirst(2)
          }
        }
        modules.append(row)
      case .plain:
        guard line.hasPrefix("########") else { continue }
        let cells = Array(line)
        modules.append(stride(from: 0, to: cells.count, by: 2).map { cells[$0] == " " })
      }
    }
    return modules
  }

  @Test(arguments: styles) func modulesAreTheEncoders(_ style: ConsoleStyle) throws {
    let lines = try printed(plain, style, rows: nil)
    let shown = modules(lines, style)
    let bytes = Array(string(plain.verificationURI).utf8)
    let symbol = try QRCode(bytes.span, .medium)
    let width = symbol.width + 8
    #expect(shown.count == width || shown.count == width + 1)
    var wrong = 0
    for row in 0..<width {
      #expect(shown[row].count == width)
      for column in 0..<width
      where shown[row][column] != symbol.isDarkWithQuietZone(column, row) { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  /// As on a terminal that ignores colours: the picture is in the characters.
  @Test(arguments: [ConsoleStyle.halfBlocks(colours: true), .backgrounds])
  func coloursAddNothing(_ style: ConsoleStyle) throws {
    let withoutColours = style == .backgrounds ? .plain : ConsoleStyle.halfBlocks(colours: false)
    #expect(try printed(plain, style).map(bare) == printed(plain, withoutColours))
  }

  @Test(arguments: styles, [(80, 24), (132, 50), (40, 12), (80, 60), (20, 5), (1, 1)])
  func fitsTheTerminal(_ style: ConsoleStyle, _ size: (columns: Int, rows: Int)) throws {
    for code in [webex, plain] {
      let lines = try printed(code, style, columns: size.columns, rows: size.rows).map(bare)
      let hasQR = try !modules(
        printed(code, style, columns: size.columns, rows: size.rows), style
      ).isEmpty
      let rows = lines.reduce(0) { $0 + ($1.count + size.columns - 1) / size.columns }
      if hasQR { #expect(rows < size.rows) }
      #expect(lines.contains { $0.contains("too small") } == !hasQR)
      #expect(lines.contains { $0.contains(string(code.verificationURI)) })
      #expect(lines.contains { $0.contains(string(code.userCode)) })
      if size.columns >= 80 { #expect(lines.allSatisfy { $0.count <= size.columns }) }
    }
  }

  @Test func halfBlocksFitEightyByTwentyFour() throws {
    let lines = try printed(plain, .halfBlocks(colours: true))
    #expect(!modules(lines, .halfBlocks(colours: true)).isEmpty)
    // The complete URI is too long for that; the shorter one is shown instead.
    #expect(
      try !modules(printed(webex, .halfBlocks(colours: true)), .halfBlocks(colours: true)).isEmpty)
  }

  @Test(arguments: styles) func hostileTextStaysText(_ style: ConsoleStyle) throws {
    for code in PainterTests.hostile {
      for line in try printed(code, style) {
        let allowed = "█▀▄".unicodeScalars
        let isSafe = bare(line).unicodeScalars.allSatisfy {
          ($0.value >= 0x20 && $0.value < 0x7F) || allowed.contains($0)
        }
        #expect(isSafe)
      }
    }
    for screen in PainterTests.messages {
      let line = try shown(screen).dropLast()
      #expect(line.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    }
  }

  @Test(arguments: [
    ("en_GB.UTF-8", "xterm", true, ConsoleStyle.halfBlocks(colours: true)),
    ("C.utf8", "linux", true, .halfBlocks(colours: true)),
    ("de_DE.UTF-8@euro", "vt220", true, .halfBlocks(colours: true)),
    ("en_GB.UTF-8", "xterm", false, .halfBlocks(colours: false)),
    ("en_GB.UTF-8", "dumb", true, .halfBlocks(colours: false)),
    ("en_GB.ISO-8859-1", "xterm", true, .backgrounds), ("", "vt220", true, .backgrounds),
    ("C", "xterm", true, .backgrounds), ("POSIX", "dumb", true, .plain), ("", "", true, .plain),
    ("C", "xterm", false, .plain), ("UTF-8", "xterm", true, .backgrounds),
  ]) func styleFollowsTheEnvironment(
    _ locale: String, _ terminal: String, _ isTerminal: Bool, _ expected: ConsoleStyle
  ) {
    let style = ConsoleStyle(
      locale: Array(locale.utf8).span, terminal: Array(terminal.utf8).span, isTerminal: isTerminal)
    #expect(style == expected)
  }

  @Test(arguments: [
    (Screen.blank, ""), (.starting("Reading"), "Starting: Reading"),
    (.approved(name: nil), "Signed in"), (.approved(name: text("Ann")), "Signed in as Ann"),
    (
      .approved(name: text("Ann"), note: "Offline since 12:03"),
      "Signed in as Ann. Offline since 12:03"
    ),
    (.approved(name: nil, note: "Offline since 12:03"), "Signed in. Offline since 12:03"),
    (.denied(secondsToNewCode: nil), "Sign-in denied: The request was refused."),
    (.denied(secondsToNewCode: 58), "Sign-in denied: The request was refused. A new code in 0:58"),
    (
      .expired(secondsToNewCode: 600),
      "Code expired: Nobody approved in time. A new code in 10:00"
    ),
    (.failed("No certificate"), "Sign-in failed: No certificate"),
    (
      .failed("No certificate", secondsToRetry: 3600),
      "Sign-in failed: No certificate. Next attempt in 1:00:00"
    ),
    (.failed("", secondsToRetry: 32), "Sign-in failed. Next attempt in 0:32"),
    (.waiting("There is no network yet."), "Please wait: There is no network yet."),
    (
      .waiting("There is no network yet.", secondsToRetry: 32),
      "Please wait: There is no network yet. Next attempt in 0:32"
    ),
    (.invitation(title: ""), "Sign in: Press a key or touch the screen."),
    (.invitation(title: "Sign in to Webex"), "Sign in to Webex: Press a key or touch the screen."),
  ]) func otherScreensAreOneLine(_ screen: Screen, _ expected: String) throws {
    #expect(try shown(screen) == (expected.isEmpty ? "" : expected + "\n"))
  }
}
