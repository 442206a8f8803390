internal import Bytes
public import Linux

/// A terminal, a serial console, or a log.
public struct ConsoleDisplay: ~Copyable {
  private let descriptor: Int32
  private let printer: ConsolePrinter
  /// What a wait for a terminal that is stopped heeds.
  private let patience: Patience
  /// What was printed last, so that a screen shown again prints nothing.
  private var printed: UInt32?
  /// Whether the terminal did not take the last screen: it is stopped, or nobody reads it.
  public private(set) var isStopped = false

  /// - Parameter descriptor: an open one, which stays the caller's.
  /// - Parameter columns: the width in characters.
  /// - Parameter rows: the height in characters; nil for no limit, as in a log.
  /// - Parameter patience: what ends the wait for a terminal that is stopped; it ends after some
  ///   seconds in any case.
  public init(
    descriptor: Int32, style: ConsoleStyle, columns: Int = 80, rows: Int? = 24,
    patience: Patience = Patience(deadline: .max)
  ) {
    self.descriptor = descriptor
    self.patience = patience
    printer = ConsolePrinter(style: style, columns: columns, rows: rows)
  }

  /// A console whose style and size come from what the descriptor and the environment say: 80x24
  /// for a terminal that does not know its size, 80 columns for what is no terminal.
  ///
  /// - Parameter locale: the first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set and not empty.
  /// - Parameter term: the value of `TERM`.
  /// - Parameter patience: see above.
  @inline(never)
  public init(
    descriptor: Int32, locale: borrowing Span<UInt8>, term: borrowing Span<UInt8>,
    patience: Patience
  ) {
    let terminal = Terminal(descriptor: descriptor)
    let isTerminal = terminal.isTerminal
    let size = terminal.size ?? (columns: 80, rows: 24)
    self.init(
      descriptor: descriptor,
      style: ConsoleStyle(locale: locale, terminal: term, isTerminal: isTerminal),
      columns: isTerminal ? size.columns : 80, rows: isTerminal ? size.rows : nil,
      patience: patience)
  }

  /// Prints a code when it is another one than before, and any other screen as one line; nothing
  /// for a blank one. Where the terminal is stopped, it gets the next screen that it takes.
  ///
  /// - Throws: `.system` where the descriptor can't be written to.
  public mutating func show(_ screen: borrowing Screen) throws(DisplayError) {
    if screen.kind == .blank { return }
    var words = Words()
    words.set(screen, besideQR: true)
    if printed == words.identity { return }
    printed = words.identity
    // Once it has been waited for, a terminal gets little time until it goes on.
    let patience = isStopped ? patience.ending(by: Clock.milliseconds + 20) : patience
    var output = ConsoleOutput(descriptor: descriptor, patience)
    if screen.kind == .code {
      printer.print(screen.code, words, to: &output)
    } else {
      ConsolePrinter.printLine(words, to: &output)
    }
    output.flush()
    isStopped = output.failure == .timedOut
    if isStopped {
      printed = nil
      return
    }
    if let error = output.failure { throw .system(.write, error) }
  }
}

/// Collects bytes and writes them in pieces; after a failure it takes nothing more.
struct ConsoleOutput: ~Copyable {
  private let descriptor: Int32
  private let patience: Patience
  private var pending = Text<2560>()
  private(set) var failure: Errno?

  /// A serial line of 9600 bit/s takes three seconds for a piece; a stopped terminal must not stop
  /// us.
  private static let patienceMilliseconds: Int64 = 6000

  init(descriptor: Int32, _ patience: Patience) {
    self.descriptor = descriptor
    self.patience = patience
  }

  @inline(never)
  mutating func append(_ bytes: borrowing Span<UInt8>) {
    if pending.count + bytes.count > 2560 { flush() }
    pending.append(bytes)
  }

  mutating func append(_ literal: StaticString) { append(literal.bytes) }

  /// Writes what is left.
  @inline(never)
  mutating func flush() {
    if failure == nil {
      let patience = patience.ending(
        by: Clock.milliseconds + ConsoleOutput.patienceMilliseconds)
      do { try Terminal(descriptor: descriptor).writeAll(pending.bytes, patience) } catch {
        failure = error
      }
    }
    pending.removeAll()
  }
}
