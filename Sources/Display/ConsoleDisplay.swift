internal import Bytes
public import Linux

/// A terminal, a serial console, or a log.
public struct ConsoleDisplay: ~Copyable {
  private let descriptor: Int32
  private let printer: ConsolePrinter
  /// What was printed last, so that a screen shown again prints nothing.
  private var printed: UInt32?
  /// Whether the terminal did not take the last screen: it is stopped, or nobody reads it.
  public private(set) var isStopped = false

  /// - Parameter descriptor: an open one, which stays the caller's.
  /// - Parameter columns: the width in characters.
  /// - Parameter rows: the height in characters; nil for no limit, as in a log.
  public init(
    descriptor: Int32, style: ConsoleStyle, columns: Int = 80, rows: Int? = 24
  ) {
    self.descriptor = descriptor
    printer = ConsolePrinter(style: style, columns: columns, rows: rows)
  }

  /// A console whose style and size come from what the descriptor and the environment say: 80x24
  /// for a terminal that does not know its size, 80 columns for what is no terminal.
  ///
  /// - Parameter locale: the first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set and not empty.
  /// - Parameter term: the value of `TERM`.
  @inline(never)
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
  /// for a blank one. Where the terminal is stopped, it is waited for some seconds, unless whoever
  /// attends ends that before; then it gets the next screen that it takes.
  ///
  /// - Throws: `.system` where the descriptor can't be written to.
  @inline(never)
  public mutating func show(
    _ screen: borrowing Screen, attending: Attending
  ) throws(DisplayError) {
    if screen.kind == .blank { return }
    var words = Words()
    words.set(screen, besideQR: true)
    if printed == words.identity { return }
    printed = words.identity
    // Once it has been waited for, a terminal gets little time until it goes on.
    let deadline = isStopped ? Clock.milliseconds + 20 : Int64.max
    var output = ConsoleOutput(descriptor: descriptor, until: deadline, attending: attending)
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
///
/// A code is four pieces long, so they are written on the way: it holds what is attended to
/// meanwhile, and lives no longer than that.
struct ConsoleOutput: ~Copyable, ~Escapable {
  private let descriptor: Int32
  private let deadline: Int64
  private let attending: Attending
  private var pending = Text<2560>()
  private(set) var failure: Errno?

  /// A serial line of 9600 bit/s takes three seconds for a piece; a stopped terminal must not stop
  /// us.
  private static let millisecondsPerPiece: Int64 = 6000

  /// - Parameter deadline: for all pieces, in milliseconds since boot.
  @_lifetime(copy attending)
  init(descriptor: Int32, until deadline: Int64, attending: Attending) {
    self.descriptor = descriptor
    self.deadline = deadline
    self.attending = copy attending
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
      let deadline = min(deadline, Clock.milliseconds + ConsoleOutput.millisecondsPerPiece)
      do {
        try Terminal(descriptor: descriptor).writeAll(
          pending.bytes, until: deadline, attending: attending)
      } catch {
        failure = error
      }
    }
    pending.removeAll()
  }
}
