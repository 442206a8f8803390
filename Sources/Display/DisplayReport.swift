public import Bytes
public import Linux

/// What became of a display: something to be told. The name is as in the configuration, or that of
/// the graphics card that was found.
public enum DisplayReport: Sendable {
  /// A panel that was not there, or was given up, shows the screen now.
  case came(name: PermanentBytes)
  /// It is not shown on any more; where the error may pass, the panel is taken when it can be had.
  case givenUp(name: PermanentBytes, DisplayError)
  /// The terminal takes nothing: it gets the next screen that it takes.
  case stopped(name: PermanentBytes)
  /// The text console behind the panels can't be looked for; it may draw over them.
  case terminalUnknown(Errno)
  /// The text console behind the panels can't be kept from drawing over them.
  case terminalDraws(Errno)
}

/// The reports that nobody has taken yet. The display that was given up last waits for another
/// report of its kind, or for whoever takes it: it may end the program and is said then.
struct DisplayReports {
  // Of one show, and of the start before it.
  private var queue = InlineArray<12, DisplayReport?> { _ in nil }
  private var count = 0
  /// Which display was given up last, or is stopped, and why.
  private(set) var failure: (name: PermanentBytes, error: DisplayError)?
  private var isFailureTold = true

  /// Adds a report; where there are too many, the oldest is dropped.
  @inline(never)
  mutating func add(_ report: DisplayReport) {
    if count == queue.count { _ = takeFirst() }
    queue[count] = report
    count += 1
  }

  @inline(never)
  mutating func giveUp(_ name: PermanentBytes, _ error: DisplayError) {
    settle()
    failure = (name, error)
    isFailureTold = false
  }

  mutating func stop(_ name: PermanentBytes) {
    settle()
    failure = (name, .system(.write, .timedOut))
    add(.stopped(name: name))
  }

  mutating func next() -> DisplayReport? {
    if count == 0 { settle() }
    return count == 0 ? nil : takeFirst()
  }

  /// The failure, which is then no report any more.
  mutating func takeFailure() -> (name: PermanentBytes, error: DisplayError)? {
    isFailureTold = true
    return failure
  }

  private mutating func settle() {
    guard let failure, !isFailureTold else { return }
    isFailureTold = true
    add(.givenUp(name: failure.name, failure.error))
  }

  private mutating func takeFirst() -> DisplayReport? {
    let first = queue[0]
    count -= 1
    for index in 0..<count { queue[index] = queue[index + 1] }
    return first
  }
}
