public import Bytes
public import Configuration
public import Linux

/// The configured displays, showing one screen.
///
/// Theory of operation: the displays lie in `Slots`, which decides what is opened when and what is
/// said of it, and knows no device; `Driver` is what a slot shows with, by a handle, since drivers
/// are kilobytes and lie in memory of the caller's. Behind the panels there may be the kernel's
/// text console, which would draw over them: it is kept still while a screen is shown, and given
/// back for the last one.
///
/// Nothing here fails or logs. What became of a display is a report: the caller tells them, in that
/// order, with `nextReport`, and ends the program where `isEmpty` and that is `failure`'s fault.
public struct Displays: ~Copyable {
  var slots: Slots<Drivers>

  /// The text console behind the panels, kept from drawing over them.
  var terminal: VirtualTerminal?
  /// Whether the text console of the panels is to be looked for.
  var seeksTerminal = false
  var hasHiddenCursor = false

  /// Opens the displays that are there; the others may come.
  ///
  /// - Parameter canvas: for pictures, one bit a pixel.
  /// - Parameter drivers: for the drivers, less than 16 KiB each; five of them fit into 96 KiB.
  /// - Parameter locale: the first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set and not empty; empty
  ///   where none is.
  /// - Parameter term: the value of `TERM`; empty where it is unset.
  public init(
    _ choices: DisplayChoices, rotation: Rotation, canvas: Canvas, drivers: DriverMemory,
    locale: PermanentBytes, term: PermanentBytes
  ) {
    slots = Slots(
      choices,
      Drivers(
        rotation: rotation, canvas: canvas, memory: drivers, locale: locale, term: term))
    noteNewPanels()
  }

  deinit {
    slots.close()
    // The text console, a member, comes back after the panels: it then shows on them.
  }

  /// Whether there is nothing to show anything on, or nothing any more. A monitor that has been
  /// plugged out, or turned off, is still there.
  public var isEmpty: Bool { slots.isEmpty }

  /// Whether one of them shows the time left, and so is to be painted every second.
  public var showsTime: Bool { slots.showsTime }

  /// Whether one of them goes dark when the program ends.
  public var endsWithProgram: Bool { slots.endsWithProgram }

  /// Whether one of them is, or may be, a device that comes and goes.
  public var mayChange: Bool { slots.mayChange }

  /// When a device event is to be followed up, in milliseconds since boot; nil for never.
  public var followsUpAt: Int64? { slots.followsUpAt }

  /// Something has happened to a device that may be a display: it is looked for, and what has come
  /// is painted on, when `followsUp` says so.
  ///
  /// - Parameter now: in milliseconds since boot.
  public mutating func deviceChanged(now: Int64) { slots.deviceChanged(now: now) }

  /// Whether the present screen is to be shown again for what has happened to a device, or since
  /// the text console has drawn over it.
  ///
  /// - Parameter now: in milliseconds since boot.
  public mutating func followsUp(now: Int64) -> Bool {
    let isDrawnOver = quietenTerminal()
    return slots.followsUp(now: now) || isDrawnOver
  }

  /// What is to be told next, oldest first; nil where everything is told.
  public mutating func nextReport() -> DisplayReport? { slots.reports.next() }

  /// Which display was given up last, or is stopped, and why; nil where none was.
  public var failure: (name: PermanentBytes, error: DisplayError)? { slots.reports.failure }

  /// The same, for whoever says it in another way: it is no report then.
  public mutating func takeFailure() -> (name: PermanentBytes, error: DisplayError)? {
    slots.reports.takeFailure()
  }

  /// Shows a screen on every display that still works.
  ///
  /// - Parameter attending: what is attended to while a terminal is stopped, for some seconds.
  public mutating func show(_ screen: borrowing Screen, attending: Attending) {
    _ = quietenTerminal()
    present(screen, attending)
  }

  /// Shows a screen that is to stay when the program ends, and gives the text console back, until
  /// `show` is called again: it draws its text in the place of a blank screen, and over any other
  /// when there is new text.
  @inline(never)
  public mutating func showLast(_ screen: borrowing Screen, attending: Attending) {
    if screen.isBlank {
      present(screen, attending)
      // Before the text is drawn: what holds a card holds the colours of its text, too.
      slots.letGo()
    } else if endsWithProgram {
      present(screen, attending)
      return
    }
    giveTerminalBack(hidesCursor: !screen.isBlank)
    if screen.isBlank { return }
    slots.invalidate()
    present(screen, attending)
  }

  private mutating func present(_ screen: borrowing Screen, _ attending: Attending) {
    slots.show(screen, now: Clock.milliseconds, attending: attending)
    noteNewPanels()
  }
}
