internal import Bytes
internal import QR

/// Screens as lines of text, which a terminal shows and a log can hold: nothing moves the cursor.
struct ConsolePrinter {
  let style: ConsoleStyle
  /// The width to fit.
  let columns: Int
  /// The height to fit; nil for no limit.
  let rows: Int?

  /// Prints what a screen says that is neither blank nor a code.
  static func printLine(_ words: borrowing Words, to output: inout ConsoleOutput) {
    output.append(words[.title])
    let length = words.count(.sentence)
    if length > 0 {
      output.append(words.kind == .approved ? " " : ": ")
      output.append(words[.sentence])
    }
    if words.count(.note) > 0 {
      let isEnded = length > 0 && words[.sentence][length - 1] == UInt8(ascii: ".")
      output.append(isEnded ? " " : ". ")
      output.append(words[.note])
    }
    output.append("\n")
  }

  /// Prints the QR code as far as it fits, and the verification URI and the user code after it.
  func print(
    _ code: borrowing SignInCode, _ words: borrowing Words, to output: inout ConsoleOutput
  ) {
    let hasSymbol = printSymbol(code, words, &output)
    if !hasSymbol { output.append("(This console is too small for the QR code.)\n") }
    output.append(words[.title])
    output.append(hasSymbol ? ": scan with your phone, or open\n  " : ": open\n  ")
    output.append(words[.uri])
    output.append("\nand enter the code  ")
    output.append(words[.userCode])
    if words.count(.note) > 0 {
      output.append("\n")
      output.append(words[.note])
    }
    output.append("\n")
  }

  /// The rows that `length` characters take.
  private func wrapped(_ length: Int) -> Int { (length + columns - 1) / max(1, columns) }

  /// Prints the best QR code that fits, with the text below it and a row for the cursor.
  private func printSymbol(
    _ code: borrowing SignInCode, _ words: borrowing Words, _ output: inout ConsoleOutput
  ) -> Bool {
    var limit = Int.max
    if let rows {
      limit =
        rows - wrapped(words.count(.title) + 31) - wrapped(words.count(.uri) + 2)
        - wrapped(words.count(.userCode) + 20) - (words.count(.note) > 0 ? 2 : 1)
    }
    for index in 0..<SignInCode.symbols {
      guard let symbol = code.symbol(index) else { continue }
      let cells = style.cells(modules: symbol.width + 2 * QRCode.quietZone)
      if cells.columns <= columns, cells.rows <= limit {
        print(symbol, &output)
        return true
      }
    }
    return false
  }

  private func print(_ symbol: borrowing QRCode, _ output: inout ConsoleOutput) {
    let modules = symbol.width + 2 * QRCode.quietZone
    var row = 0
    while row < modules {
      // What is written is light, also where the terminal ignores colours: those that do are dark
      // as a rule. The extended white replaces the plain one where the terminal knows it.
      if style == .halfBlocks(colours: true) { output.append("\u{1B}[0;37;97;40m") }
      var wasDark = true
      for column in 0..<modules {
        let isDark = symbol.isDarkWithQuietZone(column, row)
        if case .halfBlocks = style {
          let isDarkBelow = symbol.isDarkWithQuietZone(column, row + 1)
          output.append(ConsolePrinter.halfBlock(!isDark, !isDarkBelow))
          continue
        }
        if style == .backgrounds, isDark != wasDark {
          output.append(isDark ? "\u{1B}[40m" : "\u{1B}[37;47;107m")
        }
        wasDark = isDark
        output.append(isDark ? "  " : "##")
      }
      let isPlain = style == .plain || style == .halfBlocks(colours: false)
      output.append(isPlain ? "\n" : "\u{1B}[0m\n")
      row += style.cells(modules: 2).rows == 1 ? 2 : 1
    }
  }

  private static func halfBlock(_ above: Bool, _ below: Bool) -> StaticString {
    if above { return below ? "\u{2588}" : "\u{2580}" }
    return below ? "\u{2584}" : " "
  }
}

extension QRCode {
  /// Whether the module is dark, counted from the corner of the quiet zone; light outside.
  @inline(never)
  func isDarkWithQuietZone(_ column: Int, _ row: Int) -> Bool {
    let (column, row) = (column - QRCode.quietZone, row - QRCode.quietZone)
    guard column >= 0, row >= 0, column < width, row < width else { return false }
    return isDark(column: column, row: row)
  }
}
