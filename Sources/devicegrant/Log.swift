internal import Agent
internal import Bytes
internal import Linux

/// The log: one line per event on standard error, in the form of the kernel's log, or with a
/// priority where journald reads it (sd-daemon(3)). Never a secret: who writes a line has none.
struct Log {
  var level = LogLevel.info

  private let isJournal: Bool

  init() {
    isJournal = Environment.value("JOURNAL_STREAM") != nil
  }

  func error<let capacity: Int>(_ message: Text<capacity>) { write(.error, message) }
  func warning<let capacity: Int>(_ message: Text<capacity>) { write(.warning, message) }
  func info<let capacity: Int>(_ message: Text<capacity>) { write(.info, message) }
  func debug<let capacity: Int>(_ message: Text<capacity>) { write(.debug, message) }

  // The usual size, so that a literal finds its type.
  func error(_ message: Text<640>) { write(.error, message) }
  func warning(_ message: Text<640>) { write(.warning, message) }
  func info(_ message: Text<640>) { write(.info, message) }
  func debug(_ message: Text<640>) { write(.debug, message) }

  private func write<let capacity: Int>(_ level: LogLevel, _ message: Text<capacity>) {
    if level.rawValue > self.level.rawValue { return }
    // One write for the whole line, so that lines of two programs don't mix.
    var line = Text<2048>()
    if isJournal {
      line.append("<")
      line.append(decimal: Self.priority(level))
      line.append(">")
    } else {
      let now = Clock.microseconds
      line.append("[")
      line.append(decimal: now / 1_000_000, width: 5)
      line.append(".")
      line.append(decimal: now % 1_000_000, width: 6, padding: UInt8(ascii: "0"))
      line.append("] devicegrant: ")
    }
    let room = 2048 - line.count - 4
    for index in 0..<min(message.count, room) { line.append(message[index]) }
    if message.isTruncated || message.count > room { line.append("...") }
    line.append("\n")
    StandardError.write(line.bytes)
  }

  /// As syslog(3) counts them.
  private static func priority(_ level: LogLevel) -> Int64 {
    switch level {
    case .error: 3
    case .warning: 4
    case .info: 6
    case .debug: 7
    }
  }
}
