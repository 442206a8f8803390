internal import Bytes
internal import Linux

/// A terminal, a serial console, or a log.
public struct ConsoleDisplay: ~Copyable {
  private let terminal: Terminal
  private let printer: ConsolePrinter

  /// What was printed last, so that a screen shown again prints nothing.
  private var lastLine = Text<1280>()
  private var lastCode: (userCode: Text<64>, verificationURI: Text<512>)?

  /// - Parameter descriptor: an open one, which stays the caller's.
  /// - Parameter columns: the width in characters.
  /// - Parameter rows: the height in characters; nil for no limit, as in a log.
  public init(descriptor: Int32, style: ConsoleStyle, columns: Int = 80, rows: Int? = 24) {
    terminal = Terminal(descriptor: descriptor)
    printer = ConsolePrinter(style: style, columns: columns, rows: rows)
  }

  /// A console whose style and size come from what the descriptor and the environment say: 80x24
  /// for a terminal that does not know its size, 80 columns for what is no terminal.
  ///
  /// - Parameter locale: the first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set and not empty.
  /// - Parameter term: the value of `TERM`.
  public init(
    descriptor: Int32, locale: borrowing Span<UInt8>, term: borrowing Span<UInt8>
  ) {
    let terminal = Terminal(descriptor: descriptor)
    let isTerminal = terminal.isTerminal
    let size = terminal.size ?? (columns: 80, rows: 24)
    self.init(
      descriptor: descriptor,
      style: ConsoleStyle(locale: locale, terminal: term, isTerminal: isTerminal),
      columns: isTerminal ? size.columns : 80, rows: isTerminal ? size.rows : nil)
  }

  /// Prints a code when it is another one than before, and any other screen as one line; nothing
  /// for a blank one.
  ///
  /// - Throws: `.console` where the descriptor takes nothing.
  public mutating func show(_ screen: Screen) throws(DisplayError) {
    var sink = TerminalSink(terminal: terminal)
    if case .code(let code) = screen {
      if let lastCode, lastCode.userCode == code.userCode,
        lastCode.verificationURI == code.verificationURI
      {
        return
      }
      lastCode = (code.userCode, code.verificationURI)
      lastLine.removeAll()
      printer.print(code, to: &sink)
    } else {
      let line = ConsolePrinter.line(screen)
      if line.isEmpty || line == lastLine { return }
      lastLine = line
      lastCode = nil
      sink.append(line)
      sink.append("\n")
    }
    sink.flush()
    if let error = sink.failure {
      throw .console(descriptor: terminal.descriptor, error)
    }
  }
}

/// Collects bytes and writes them in pieces; after a failure it takes nothing more.
private struct TerminalSink: ByteSink {
  let terminal: Terminal
  var pending = Text<1024>()
  var failure: Errno?

  /// A serial line of 9600 bit/s takes a second for a piece; a stopped terminal must not stop us.
  private static let patienceMilliseconds: Int64 = 3000

  init(terminal: Terminal) {
    self.terminal = terminal
  }

  var isTruncated: Bool { failure != nil }

  mutating func append(_ byte: UInt8) {
    pending.append(byte)
    if pending.count == 1024 { flush() }
  }

  mutating func flush() {
    if failure == nil, !pending.isEmpty {
      let patience = Patience(
        deadline: Clock.milliseconds + TerminalSink.patienceMilliseconds)
      do { try terminal.writeAll(pending.bytes, patience) } catch { failure = error }
    }
    pending.removeAll()
  }
}
