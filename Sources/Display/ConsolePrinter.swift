internal import Bytes
internal import QR

/// Screens as lines of text, which a terminal shows and a log can hold: nothing moves the cursor.
struct ConsolePrinter {
  let style: ConsoleStyle
  /// The width to fit.
  let columns: Int
  /// The height to fit; nil for no limit.
  let rows: Int?

  /// What a screen other than a code says, without the end of line; empty for a blank one.
  static func line(_ screen: Screen) -> Text<1280> {
    var line = Text<1280>()
    let detail = screen.detail
    line.append(screen.headline)
    guard !detail.isEmpty else { return line }
    if case .approved = screen { line.append(" ") } else { line.append(": ") }
    line.append(detail)
    return line
  }

  /// Prints the QR code as far as it fits, and the verification URI and the user code after it.
  func print(_ code: SignInCode, to sink: inout some ByteSink & ~Copyable) {
    if !printQR(code, to: &sink) {
      sink.append("(This console is too small for the QR code.)\n")
      sink.append(code.shownTitle)
      sink.append(": open\n  ")
    } else {
      sink.append(code.shownTitle)
      sink.append(": scan with your phone, or open\n  ")
    }
    sink.append(escaped: code.verificationURI.bytes)
    sink.append("\nand enter the code  ")
    sink.append(escaped: code.userCode.bytes)
    if let secondsLeft = code.secondsLeft {
      sink.append("\nExpires in ")
      sink.append(timeLeft: secondsLeft)
    }
    sink.append("\n")
  }

  /// The rows that the text takes, with one for the cursor below it.
  private func textRows(_ code: SignInCode) -> Int {
    var text = Text<2400>()
    text.append(escaped: code.verificationURI.bytes)
    let uriRows = wrapped(text.count + 2)
    text.removeAll()
    text.append(escaped: code.userCode.bytes)
    let codeRows = wrapped(text.count + 20)
    return wrapped(code.shownTitle.count + 31) + uriRows + codeRows
      + (code.secondsLeft == nil ? 0 : 1) + 1
  }

  private func wrapped(_ length: Int) -> Int { (length + columns - 1) / max(1, columns) }

  /// Tries the complete URI first; the shorter one leaves the user code to be typed.
  private func printQR(_ code: SignInCode, to sink: inout some ByteSink & ~Copyable) -> Bool {
    let limit = rows.map { rows in rows - textRows(code) }
    if !code.verificationURIComplete.isEmpty,
      printQR(code.verificationURIComplete.bytes, within: limit, to: &sink)
    {
      return true
    }
    return printQR(code.verificationURI.bytes, within: limit, to: &sink)
  }

  private func printQR(
    _ bytes: borrowing Span<UInt8>, within rows: Int?, to sink: inout some ByteSink & ~Copyable
  ) -> Bool {
    guard bytes.count > 0 else { return false }
    if let symbol = try? QRCode(bytes, .medium), fits(symbol, within: rows) {
      print(symbol, to: &sink)
    } else if let symbol = try? QRCode(bytes, .low), fits(symbol, within: rows) {
      print(symbol, to: &sink)
    } else {
      return false
    }
    return true
  }

  private func fits(_ symbol: borrowing QRCode, within rows: Int?) -> Bool {
    let cells = style.cells(modules: symbol.width + 2 * QRCode.quietZone)
    guard cells.columns <= columns else { return false }
    guard let rows else { return true }
    return cells.rows <= rows
  }

  private func print(_ symbol: borrowing QRCode, to sink: inout some ByteSink & ~Copyable) {
    let modules = symbol.width + 2 * QRCode.quietZone
    switch style {
    case .halfBlocks(let colours):
      var row = 0
      while row < modules {
        // The extended white replaces the plain one where the terminal knows it.
        if colours { sink.append("\u{1B}[0;30;47;107m") }
        for column in 0..<modules {
          let above = symbol.isDarkWithQuietZone(column, row)
          let below = symbol.isDarkWithQuietZone(column, row + 1)
          sink.append(ConsolePrinter.halfBlock(above, below, inkIsDark: colours))
        }
        sink.append(colours ? "\u{1B}[0m\n" : "\n")
        row += 2
      }
    case .backgrounds:
      for row in 0..<modules { printBackgrounds(symbol, row, modules, to: &sink) }
    case .plain:
      for row in 0..<modules {
        // Terminals without colours are dark as a rule: what is written is light.
        for column in 0..<modules {
          sink.append(symbol.isDarkWithQuietZone(column, row) ? "  " : "##")
        }
        sink.append("\n")
      }
    }
  }

  private func printBackgrounds(
    _ symbol: borrowing QRCode, _ row: Int, _ modules: Int,
    to sink: inout some ByteSink & ~Copyable
  ) {
    var wasDark: Bool? = nil
    for column in 0..<modules {
      let isDark = symbol.isDarkWithQuietZone(column, row)
      if isDark != wasDark { sink.append(isDark ? "\u{1B}[40m" : "\u{1B}[47;107m") }
      sink.append("  ")
      wasDark = isDark
    }
    sink.append("\u{1B}[0m\n")
  }

  /// - Parameter inkIsDark: whether the characters are dark on light, or, on a terminal of unknown
  ///   colours, light on dark.
  private static func halfBlock(_ above: Bool, _ below: Bool, inkIsDark: Bool) -> StaticString {
    switch (above == inkIsDark, below == inkIsDark) {
    case (true, true): "\u{2588}"
    case (true, false): "\u{2580}"
    case (false, true): "\u{2584}"
    case (false, false): " "
    }
  }
}

extension QRCode {
  /// Whether the module is dark, counted from the corner of the quiet zone; light outside.
  func isDarkWithQuietZone(_ column: Int, _ row: Int) -> Bool {
    let (column, row) = (column - QRCode.quietZone, row - QRCode.quietZone)
    guard column >= 0, row >= 0, column < width, row < width else { return false }
    return isDark(column: column, row: row)
  }
}
