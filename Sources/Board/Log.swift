public import Bytes
public import Configuration
internal import Display
internal import HTTP
public import Linux
internal import TokenStore

/// The log: one line per event. Never a secret: who writes a line has none.
///
/// A line is written where it is told, into memory that lives as long as the line:
///
///     log.info { $0 <- "polling every " <- seconds <- " s" }
///
/// Where the level leaves it out, nothing is written at all.
public struct Log<W: World> {
  let world: W
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
  private func write(_ level: LogLevel, _ words: (Line) -> Void) {
    if level.rawValue > self.level.rawValue { return }
    var text = Text<2048>()
    writeLine(to: &text, words)
    world.write(level, text.bytes, isTruncated: text.isTruncated)
  }
}

precedencegroup WritingPrecedence {
  associativity: left
  higherThan: ComparisonPrecedence
  lowerThan: RangeFormationPrecedence
}

/// Writes a value to a line.
infix operator <- : WritingPrecedence

/// Has `words` write to the end of a text.
@inline(never)
func writeLine(to text: inout Text<2048>, _ words: (Line) -> Void) {
  withUnsafeMutablePointer(to: &text) { words(Line($0)) }
}

/// A line of words that is being written. Text from outside is escaped: whoever writes bytes gets
/// that form.
public struct Line: ~Escapable, ByteSink {
  private let text: UnsafeMutablePointer<Text<2048>>

  @_lifetime(immortal)
  fileprivate init(_ text: UnsafeMutablePointer<Text<2048>>) {
    self.text = text
  }

  public func append(_ byte: UInt8) { text.pointee.append(byte) }
  public var isTruncated: Bool { text.pointee.isTruncated }
}
