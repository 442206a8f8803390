internal import Bytes

/// How a console can draw the modules of a QR code.
public enum ConsoleStyle: Equatable, Sendable {
  /// Two modules above each other in one character of UTF-8; with colours, white on black
  /// whatever the terminal's own.
  case halfBlocks(colours: Bool)
  /// The same as `plain` with ANSI backgrounds: for a terminal without UTF-8.
  case backgrounds
  /// Two columns a module in plain ASCII: for a log, or a terminal that says that it is dumb.
  case plain

  /// The style for what the environment says.
  ///
  /// - Parameter locale: the first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set and not empty; empty
  ///   where none is.
  /// - Parameter terminal: the value of `TERM`; empty where it is unset.
  public init(
    locale: borrowing Span<UInt8>, terminal: borrowing Span<UInt8>, isTerminal: Bool
  ) {
    let hasColours = isTerminal && terminal.count > 0 && !terminal.equals("dumb")
    if ConsoleStyle.isUTF8(locale) {
      self = .halfBlocks(colours: hasColours)
    } else {
      self = hasColours ? .backgrounds : .plain
    }
  }

  /// Whether the locale's codeset, behind the dot, is UTF-8 in one of its spellings.
  private static func isUTF8(_ locale: borrowing Span<UInt8>) -> Bool {
    guard let dot = locale.firstIndex(of: UInt8(ascii: ".")) else { return false }
    let end = locale.firstIndex(of: UInt8(ascii: "@"), from: dot) ?? locale.count
    let codeset = locale.extracting((dot + 1)..<end)
    return codeset.equalsIgnoringCase("UTF-8") || codeset.equalsIgnoringCase("UTF8")
  }

  /// The character cells that a QR code of that many modules a side takes, quiet zone included.
  func cells(modules: Int) -> (columns: Int, rows: Int) {
    if case .halfBlocks = self { return (modules, (modules + 1) / 2) }
    return (modules * 2, modules)
  }
}
