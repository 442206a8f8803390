internal import Bytes
public import Configuration
public import Display
public import HTTP
public import Linux
public import OAuth
public import TLS
public import TokenStore

/// The log: one line per event. Never a secret: who writes a line has none.
///
/// A line is written where it is told, into memory that lives as long as the line:
///
///     log.info { $0 <- "polling every " <- seconds <- " s" }
///
/// Where the level leaves it out, nothing is written at all.
public struct Log<W: World> {
  public let world: W
  /// What is left out.
  public var level = LogLevel.info

  public init(_ world: W) {
    self.world = world
  }

  /// Tells what ends a command.
  public func error(_ words: (Line) -> Void) { write(.error, words) }
  /// Tells what does not work.
  public func warning(_ words: (Line) -> Void) { write(.warning, words) }
  /// Tells what goes on.
  public func info(_ words: (Line) -> Void) { write(.info, words) }
  /// Tells what only who looks for a fault wants to know.
  public func debug(_ words: (Line) -> Void) { write(.debug, words) }

  @inline(never)
  func write(_ level: LogLevel, _ words: (Line) -> Void) {
    if level.rawValue > self.level.rawValue { return }
    let phrase = Phrase(words)
    world.write(level, phrase.bytes, isTruncated: phrase.isTruncated)
  }
}

precedencegroup WritingPrecedence {
  associativity: left
  higherThan: ComparisonPrecedence
  lowerThan: RangeFormationPrecedence
}

/// Writes a value to a line.
infix operator <- : WritingPrecedence

/// Words that were written once, to be told in more than one place. Whatever is in them from
/// outside has been escaped.
public struct Phrase: Sendable {
  private var text = Text<2048>()

  /// No words.
  public init() {}

  /// - Parameter write: writes them.
  @inline(never)
  public init(_ write: (Line) -> Void) {
    write(Line(&text))
  }

  public var isEmpty: Bool { text.isEmpty }

  /// Whether there were more words than there is room for.
  public var isTruncated: Bool { text.isTruncated }

  public var bytes: Span<UInt8> {
    @_lifetime(borrow self)
    @_addressableSelf
    borrowing get { text.bytes }
  }
}

/// A line of words that is being written. Text from outside is escaped: whoever writes bytes gets
/// that form. It is lent for as long as the line is written, and can't be kept.
public struct Line: ~Escapable {
  private let handle: TextHandle<2048>

  @_lifetime(&text)
  fileprivate init(_ text: inout Text<2048>) {
    handle = TextHandle(&text)
  }

  /// Writes a literal.
  @inline(__always)
  @discardableResult
  @_lifetime(copy line)
  public static func <- (line: Line, literal: StaticString) -> Line {
    line.handle.append(literal)
    return line
  }

  @discardableResult
  @_lifetime(copy line)
  @inline(never)
  public static func <- (line: Line, number: Int64) -> Line {
    line.handle.text.append(decimal: number)
    return line
  }

  @discardableResult
  @_lifetime(copy line)
  public static func <- (line: Line, number: Int) -> Line { line <- Int64(number) }

  @discardableResult
  @_lifetime(copy line)
  public static func <- (line: Line, number: Int32) -> Line { line <- Int64(number) }

  /// Writes text from outside, escaped.
  @discardableResult
  @_lifetime(copy line)
  @inline(never)
  public static func <- (line: Line, bytes: borrowing Span<UInt8>) -> Line {
    line.handle.text.append(escaped: bytes)
    return line
  }

  @discardableResult
  @_lifetime(copy line)
  @inline(never)
  public static func <- (line: Line, path: borrowing Path) -> Line { line <- path.bytes }

  @discardableResult
  @_lifetime(copy line)
  @inline(never)
  public static func <- (line: Line, url: borrowing URL) -> Line { line <- url.bytes }

  /// Writes words that were written before.
  @discardableResult
  @_lifetime(copy line)
  @inline(never)
  public static func <- (line: Line, phrase: borrowing Phrase) -> Line {
    line.handle.text.append(phrase.bytes)
    return line
  }

  @discardableResult
  @_lifetime(copy line)
  @inline(never)
  public static func <- (line: Line, date: Instant) -> Line {
    line.handle.text.append(date: max(0, date.unixSeconds))
    return line
  }

  @discardableResult
  @_lifetime(copy line)
  @inline(never)
  public static func <- (line: Line, error: Errno) -> Line {
    line.handle.text.append(error)
    return line
  }

  @discardableResult
  @_lifetime(copy line)
  @inline(never)
  public static func <- (line: Line, error: TLSError) -> Line {
    line.handle.text.append(error)
    return line
  }

  @discardableResult
  @_lifetime(copy line)
  @inline(never)
  public static func <- (line: Line, error: TokenStoreError) -> Line {
    line.handle.text.append(error)
    return line
  }

  @discardableResult
  @_lifetime(copy line)
  @inline(never)
  public static func <- (line: Line, error: DisplayError) -> Line {
    line.handle.text.append(error)
    return line
  }

  @discardableResult
  @_lifetime(copy line)
  @inline(never)
  public static func <- (line: Line, error: LocalSocketError) -> Line {
    line.handle.text.append(error)
    return line
  }

  @discardableResult
  @_lifetime(copy line)
  @inline(never)
  public static func <- (line: Line, error: MetadataError) -> Line {
    line.handle.text.append(error)
    return line
  }

  /// Writes what a server said went wrong.
  @discardableResult
  @_lifetime(copy line)
  @inline(never)
  public static func <- (line: Line, error: borrowing ServerError) -> Line {
    if error.code.isEmpty { line <- "no reason given" }
    line <- error.code.bytes
    if !error.details.isEmpty { line <- " (" <- error.details.bytes <- ")" }
    return line <- ", HTTP status " <- error.status
  }
}

/// An instant by the wall clock, which a line shows as a date.
public struct Instant: Sendable {
  let unixSeconds: Int64

  /// - Parameter unixSeconds: since 1970.
  public init(_ unixSeconds: Int64) {
    self.unixSeconds = unixSeconds
  }
}
