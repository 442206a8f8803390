internal import Bytes
internal import Configuration
internal import Linux

/// A driver that has been opened.
protocol OpenDriver {
  /// Shows that screen in place of what was shown before.
  ///
  /// - Returns: false where a terminal is stopped, and did not take it.
  func show(
    _ screen: borrowing Screen, attending: Attending
  ) throws(DisplayError) -> Bool
  /// Has the next `show` paint everything: something has painted over it.
  func invalidate()
  /// Gives up what it has; nothing else may be asked of it then.
  func close()
  /// Whether it shows the time left, and so is to be painted every second.
  var showsTime: Bool { get }
  /// Whether the picture stays when the program ends.
  var staysWithoutProgram: Bool { get }
}

/// Opens drivers: those of the machine, or a test's.
protocol DriverOpener {
  associatedtype Opened: OpenDriver
  /// - Parameter slot: whose it is, counted from 0; no two that are open have the same.
  /// - Parameter name: may be set to what the display is called, also where this fails.
  mutating func open(
    _ kind: DisplayChoice.Kind, _ path: PermanentBytes, slot: Int, name: inout PermanentBytes
  ) throws(DisplayError) -> Opened
}

/// The displays, showing one screen. One that fails is given up, and the others go on; a panel that
/// was not there yet, or was unplugged, is taken when it comes.
///
/// Hot-plug is decided here, whatever opens the drivers: it knows the time from its arguments.
struct Slots<Opener: DriverOpener>: ~Copyable {
  /// As the configuration has them, and behind them the console, of which there is only one.
  private var slots = InlineArray<5, Slot<Opener>> { _ in Slot() }
  private var opener: Opener
  /// When what is awaited is looked for again, in milliseconds since boot: asking a card what is
  /// connected takes its time.
  private var looksAgainAt: Int64 = 0
  /// When a device event is followed up, in milliseconds since boot.
  private(set) var followsUpAt: Int64?
  var reports = DisplayReports()

  static var millisecondsPerLook: Int64 { 1000 }
  /// A driver announces several devices one after the other, and udev sets their rights later.
  static var millisecondsToFollowUp: Int64 { 500 }

  /// Opens what is there.
  @inline(never)
  init(_ choices: DisplayChoices, _ opener: Opener) {
    self.opener = opener
    let console = slots.count - 1
    for index in 0..<choices.count {
      let choice = choices[index]
      if choice.kind != .console { slots[index].choose(choice.kind, choice.path) }
      if choice.kind == .automatic || choice.kind == .console {
        slots[console].choose(.console, PermanentBytes("console"))
      }
    }
    for index in slots.indices { slots[index].openAtStart(index, &self.opener, &reports) }
  }

  /// Whether there is nothing to show anything on. A monitor that has been plugged out, or turned
  /// off, is still there.
  var isEmpty: Bool {
    for index in slots.indices
    where slots[index].driver != nil || slots[index].policy.isUnplugged { return false }
    return true
  }

  /// Whether one of them is, or may be, a device that comes and goes.
  var mayChange: Bool {
    for index in slots.indices where slots[index].policy.comesAndGoes {
      if slots[index].driver != nil || slots[index].policy.awaited != nil { return true }
    }
    return false
  }

  /// Whether one of them shows the time left, or did.
  var showsTime: Bool {
    for index in slots.indices where slots[index].showsTime { return true }
    return false
  }

  /// Whether one of them goes dark when the program ends, or did.
  var endsWithProgram: Bool {
    for index in slots.indices where slots[index].endsWithProgram { return true }
    return false
  }

  /// Whether a panel has been opened since this was asked last.
  mutating func takeNewPanels() -> Bool {
    var areThere = false
    for index in slots.indices where slots[index].isNewPanel {
      slots[index].isNewPanel = false
      areThere = true
    }
    return areThere
  }

  /// Something has happened to a device that may be a display: it is looked for, and what has come
  /// is painted on, when `followsUp` says so.
  mutating func deviceChanged(now: Int64) { followsUpAt = now + Self.millisecondsToFollowUp }

  /// Whether the present screen is to be shown again for what has happened to a device.
  mutating func followsUp(now: Int64) -> Bool {
    guard let instant = followsUpAt, now >= instant else { return false }
    followsUpAt = nil
    looksAgainAt = now
    return true
  }

  /// Shows a screen on all that are open, and on those awaited that have come.
  ///
  /// - Parameter now: in milliseconds since boot.
  @inline(never)
  mutating func show(
    _ screen: borrowing Screen, now: Int64, attending: Attending
  ) {
    let looks = now >= looksAgainAt
    if looks { looksAgainAt = now + Self.millisecondsPerLook }
    for index in slots.indices {
      slots[index].show(screen, looks: looks, index, &opener, &reports, attending)
    }
  }

  /// Lets those go that go dark when the program ends; they are taken again when a screen is shown.
  mutating func letGo() {
    for index in slots.indices where slots[index].letGo() { looksAgainAt = 0 }
  }

  /// Has the next `show` paint everything.
  mutating func invalidate() {
    for index in slots.indices { slots[index].driver?.invalidate() }
  }

  /// Whether that is true of a driver that is open.
  func contains(_ isSought: (Opener.Opened) -> Bool) -> Bool {
    for index in slots.indices {
      if let driver = slots[index].driver, isSought(driver) { return true }
    }
    return false
  }

  /// Closes all drivers; nothing may be shown any more.
  borrowing func close() {
    for index in slots.indices { slots[index].driver?.close() }
  }
}
