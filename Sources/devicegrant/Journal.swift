internal import Bytes
internal import Configuration
internal import Linux

/// The log on standard error, in the form of the kernel's log, or with a priority where journald
/// reads it (sd-daemon(3)).
struct Journal {
  private let isJournald: Bool
  /// The lines that were left out since one was written.
  private let lost: SharedCount
  /// A thousand times the second of the last line, and its number in that second.
  private let pace: SharedCount

  /// - Parameters: what there is to remember from line to line.
  init(countingIn lost: SharedCount, _ pace: SharedCount) {
    self.lost = lost
    self.pace = pace
    isJournald = Environment.value("JOURNAL_STREAM") != nil
  }

  /// How many lines are written in a second, but for the one that says why the program ends:
  /// others cause lines, and the log may be on flash or on a slow line.
  private static let linesPerSecond: Int64 = 50

  private func isOverPace() -> Bool {
    let start = Clock.milliseconds / 1000 * 1000
    let number = max(start, pace.value + 1)
    if number - start > Self.linesPerSecond { return true }
    pace.value = number
    return false
  }

  @inline(never)
  func write(_ level: LogLevel, _ message: borrowing Span<UInt8>, isTruncated: Bool) {
    if level != .error, isOverPace() {
      lost.value += 1
      return
    }
    // One write for the whole line, so that lines of two programs don't mix.
    var line = Text<2100>()
    if isJournald {
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
    line.append(message)
    if isTruncated { line.append("...") }
    line.append("\n")
    put(line.bytes)
  }

  /// How long a line waits for whoever reads the log, in milliseconds. The program has other things
  /// to do, and an end within a second to keep.
  private static let patience: Int64 = 250

  /// Writes a line. Where one was lost, the next hardly wait, and the first that is taken is
  /// preceded by a line that says so: the lost one may have been taken in part.
  private func put(_ line: borrowing Span<UInt8>) {
    let lost = self.lost.value
    let deadline = Clock.milliseconds + (lost == 0 ? Self.patience : 20)
    do {
      if lost > 0 {
        var note = Text<80>()
        note.append("\ndevicegrant: lines of the log that were left out: ")
        note.append(decimal: lost)
        note.append("\n")
        try StandardError.write(note.bytes, until: deadline)
        self.lost.value = 0
      }
      try StandardError.write(line, until: deadline)
    } catch {
      self.lost.value += 1
    }
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
