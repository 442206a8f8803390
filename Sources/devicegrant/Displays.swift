internal import Agent
internal import Bytes
internal import Configuration
internal import Display
internal import Linux

/// The configured displays, showing one screen. A display that fails is given up and the log says
/// why; the others go on. A panel that was not there yet, or was unplugged, is taken when it comes.
struct Displays: ~Copyable {
  // Each driver holds its layout, some kilobytes: it stays in static memory, where a member of this
  // struct would be moved with it.
  private var pictures = InlineArray<4, UnsafeMutablePointer<PBMDisplay>?>(repeating: nil)
  private var panels = InlineArray<4, UnsafeMutablePointer<PanelDisplay>?>(repeating: nil)
  /// The memory of each panel that is or has been there.
  private var places = InlineArray<4, UnsafeMutablePointer<PanelDisplay>?>(repeating: nil)
  /// What each panel is called: as in the configuration, or as the graphics card that was found.
  private var names = InlineArray<4, PermanentBytes>(repeating: PermanentBytes(""))
  /// Why a panel is not there that may come; nil for every other one.
  private var awaited = InlineArray<4, DisplayError?>(repeating: nil)
  /// When those are looked for again, in milliseconds since boot: asking a card what is connected
  /// takes its time.
  private var looksAgainAt: Int64 = 0
  /// When a device event is followed up, in milliseconds since boot.
  private(set) var followsUpAt: Int64?

  private static let millisecondsPerLook: Int64 = 1000
  /// A driver announces several devices one after the other, and udev sets their rights later.
  private static let millisecondsToFollowUp: Int64 = 500
  private var console: UnsafeMutablePointer<ConsoleDisplay>?

  /// The text console behind the panels, kept from drawing over them.
  private var terminal: VirtualTerminal?
  /// Whether the text console of the panels is to be looked for.
  private var seeksTerminal = false
  private var hasHiddenCursor = false

  private let log: Log
  /// What a wait for a display heeds.
  private let attention: Attention
  private let choices: DisplayChoices
  private let rotation: Rotation
  /// Which display was given up last, and why. No `Failure`: a newly made one takes the place of
  /// the message that another is on its way with.
  private var failed: (name: PermanentBytes, error: DisplayError)?
  /// Whether the log has that; where it ends the program, that is said instead.
  private var isReported = false
  /// Whether one of them shows the time left, and so is to be painted every second.
  private(set) var showsTime = false
  /// Whether one of them goes dark when the program ends.
  private(set) var endsWithProgram = false

  /// - Throws: exit code 73 where there are displays in the configuration and none can be opened.
  init(
    _ source: borrowing ConfigurationSource, _ attention: Attention, _ log: Log
  ) throws(Failure) {
    let rotation = Rotation(degrees: source.local.rotation)
    self.init(attention, log, source.local.displays, rotation ?? .none)
    if rotation == nil { throw source.failure(.rotate, "is not 0, 90, 180 or 270") }
    for index in 0..<choices.count {
      let choice = choices[index]
      switch choice.kind {
      case .automatic, .framebuffer, .card: openFirst(index)
      case .console: break
      case .pbm(let width, let height):
        guard let path = Path(choice.path.bytes) else {
          throw source.failure(.display, "holds a path that is too long")
        }
        working += 1
        pictures[index] = Memory.place(
          PBMDisplay(
            path: path, width: width, height: height, rotation: rotation ?? .none,
            memory: Memory.canvas()))
        showsTime = true
      }
      if choice.kind == .automatic || choice.kind == .console { openConsole() }
    }
    if isEmpty { try checkForFailure() }
  }

  private init(
    _ attention: Attention, _ log: Log, _ choices: DisplayChoices, _ rotation: Rotation
  ) {
    self.attention = attention
    self.log = log
    self.choices = choices
    self.rotation = rotation
  }

  /// How many displays still work.
  private var working = 0

  /// Whether there is nothing to show anything on. A monitor that has been plugged out, or turned
  /// off, is still there.
  var isEmpty: Bool {
    if working > 0 { return false }
    for index in panels.indices where places[index] != nil {
      if awaited[index]?.isUnplugged == true { return false }
    }
    return true
  }

  deinit {
    for index in pictures.indices {
      pictures[index]?.deinitialize(count: 1)
      panels[index]?.deinitialize(count: 1)
    }
    console?.deinitialize(count: 1)
    // The text console, a member, comes back after the panels: it then shows on them.
  }

  /// Shows a screen on every display that still works.
  ///
  /// - Throws: exit code 73 where there were displays and none is left.
  mutating func show(_ screen: borrowing Screen) throws(Failure) {
    quietenTerminal()
    present(screen)
    if isEmpty { try checkForFailure() }
    report()
  }

  /// Whether one of them is, or may be, a device that comes and goes.
  var mayChange: Bool {
    for index in panels.indices where panels[index] != nil || awaited[index] != nil { return true }
    return false
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

  /// Shows a screen that is to stay when the program ends, and gives the text console back, until
  /// `show` is called again: it draws its text in the place of a blank screen, and over any other
  /// when there is new text. Never fails: where the program ends, it is for another reason.
  mutating func showLast(_ screen: borrowing Screen) {
    paintLast(screen)
    report()
  }

  /// The same, for whoever says with `checkForFailure` what did not work.
  @inline(never)
  mutating func paintLast(_ screen: borrowing Screen) {
    if screen.isBlank {
      present(screen)
      // Before the text is drawn: what holds a card holds the colours of its text, too.
      closeCards()
    } else if endsWithProgram {
      present(screen)
      return
    }
    let isCursorHidden = !screen.isBlank
    seeksTerminal = true
    findTerminal()
    // Where somebody sits at the console, it is theirs.
    if let hasKeyboard = terminal?.isOurs, !hasKeyboard, hasHiddenCursor != isCursorHidden {
      terminal?.setCursor(isVisible: !isCursorHidden)
      hasHiddenCursor = isCursorHidden
    }
    seeksTerminal = terminal != nil
    terminal = nil
    if screen.isBlank { return }
    invalidatePanels()
    present(screen)
  }

  @inline(never)
  private mutating func present(_ screen: borrowing Screen) {
    let now = Clock.milliseconds
    let looks = now >= looksAgainAt
    if looks { looksAgainAt = now + Displays.millisecondsPerLook }
    for index in pictures.indices {
      do {
        try pictures[index]?.pointee.show(screen)
      } catch {
        pictures[index]?.deinitialize(count: 1)
        pictures[index] = nil
        working -= 1
        giveUp(choices[index].path, error)
      }
      if panels[index] != nil || looks && awaited[index] != nil { presentOnPanel(index, screen) }
    }
    presentOnConsole(screen)
  }

  private mutating func presentOnConsole(_ screen: borrowing Screen) {
    guard let display = console else { return }
    let name = PermanentBytes("console")
    let wasStopped = display.pointee.isStopped
    do {
      try display.pointee.show(screen)
      if !display.pointee.isStopped || wasStopped { return }
      failed = (name, .system(.write, .timedOut))
      log.warning("display console is stopped: it gets the next screen that it takes")
    } catch {
      display.deinitialize(count: 1)
      console = nil
      working -= 1
      giveUp(name, error)
    }
  }

  /// - Throws: exit code 73 for the display that was given up last, where there is one.
  func checkForFailure() throws(Failure) {
    guard let failed else { return }
    throw Failure(.cannotCreate, "display \(failed.name.bytes): \(failed.error)")
  }

  // MARK: Panels

  /// Shows a screen on a panel. One that fails is opened once more: while the system starts, the
  /// driver for the display takes the place of a simpler one.
  private mutating func presentOnPanel(_ index: Int, _ screen: borrowing Screen) {
    var loss: DisplayError?
    if let panel = panels[index] {
      do {
        try panel.pointee.show(screen)
        return
      } catch {
        loss = error
        closePanel(index)
      }
    }
    let before = awaited[index]
    let name = names[index]
    do {
      try openPanel(index)
      try panels[index]?.pointee.show(screen)
      log.info("display \(names[index].bytes) is there now")
    } catch {
      closePanel(index)
      awaited[index] = error.mayPass ? error : nil
      if let loss, error.isAbsence {
        // That there is nothing now says less than what became of it.
        giveUp(name, loss)
      } else if before?.covers(error) != true {
        giveUp(names[index], error)
      }
    }
  }

  /// Opens a panel when the program starts. Where the choice is the program's, none is no fault.
  @inline(never)
  private mutating func openFirst(_ index: Int) {
    do { try openPanel(index) } catch {
      awaited[index] = error.mayPass ? error : nil
      if choices[index].kind != .automatic || !error.isAbsence { giveUp(names[index], error) }
    }
  }

  @inline(never)
  private mutating func openPanel(_ index: Int) throws(DisplayError) {
    let panel = try findPanel(index)
    if !panel.staysWithoutProgram { endsWithProgram = true }
    if let place = places[index] {
      place.initialize(to: panel)
    } else {
      places[index] = Memory.place(panel)
    }
    panels[index] = places[index]
    awaited[index] = nil
    working += 1
    showsTime = true
    seeksTerminal = terminal == nil
  }

  @inline(never)
  private mutating func closePanel(_ index: Int) {
    guard let panel = panels[index] else { return }
    panel.deinitialize(count: 1)
    panels[index] = nil
    working -= 1
  }

  /// Lets the graphics cards go; they are taken again when a screen is shown.
  private mutating func closeCards() {
    for index in panels.indices {
      guard let panel = panels[index], !panel.pointee.staysWithoutProgram else { continue }
      closePanel(index)
      awaited[index] = .system(.open, .noSuchFile)
      looksAgainAt = 0
    }
  }

  /// Opens the panel of a choice, and notes what it is called.
  @inline(never)
  private mutating func findPanel(_ index: Int) throws(DisplayError) -> PanelDisplay {
    let choice = choices[index]
    names[index] = choice.path
    var reason = DisplayError.system(.open, .noSuchFile)
    if !choice.path.bytes.equals(DisplayChoice.anyCard) {
      do { return try Self.panel(choice.path, isCard: choice.kind == .card, rotation) } catch {
        reason = error
      }
      if choice.kind != .automatic || !reason.isAbsence { throw reason }
    }
    // A board may have one card that computes pictures, and another that shows them.
    var isFound = false
    for number in 0..<4 {
      let name = Self.card(number)
      do {
        let panel = try Self.panel(name, isCard: true, rotation)
        names[index] = name
        return panel
      } catch {
        if isFound || error.isNoCard { continue }
        isFound = true
        names[index] = name
        reason = error
      }
    }
    throw reason
  }

  private static func card(_ number: Int) -> PermanentBytes {
    switch number {
    case 0: PermanentBytes("/dev/dri/card0")
    case 1: PermanentBytes("/dev/dri/card1")
    case 2: PermanentBytes("/dev/dri/card2")
    default: PermanentBytes("/dev/dri/card3")
    }
  }

  @inline(never)
  private static func panel(
    _ name: PermanentBytes, isCard: Bool, _ rotation: Rotation
  ) throws(DisplayError) -> PanelDisplay {
    guard let path = Path(name.bytes) else { throw .system(.open, .nameTooLong) }
    return isCard
      ? try PanelDisplay(card: path, rotation: rotation)
      : try PanelDisplay(framebuffer: path, rotation: rotation)
  }

  private mutating func invalidatePanels() {
    for index in panels.indices { panels[index]?.pointee.invalidate() }
  }

  /// Keeps the text console behind the panels from drawing, where there is one. What it has drawn
  /// is painted over.
  private mutating func quietenTerminal() {
    findTerminal()
    do {
      if try terminal?.quieten() == true { invalidatePanels() }
    } catch {
      terminal = nil
      log.debug("cannot keep the text console from drawing: \(error)")
    }
  }

  @inline(never)
  private mutating func findTerminal() {
    if !seeksTerminal || terminal != nil { return }
    seeksTerminal = false
    do {
      let found = try VirtualTerminal(opening: Path("/dev/tty0"))
      if isOnPanel(found) { terminal = consume found }
    } catch {
      log.debug("cannot find the text console: \(error)")
    }
  }

  private func isOnPanel(_ console: borrowing VirtualTerminal) -> Bool {
    for index in panels.indices {
      if let panel = panels[index], panel.pointee.shows(console) { return true }
    }
    return false
  }

  private mutating func openConsole() {
    if console != nil { return }
    let locale =
      Environment.value("LC_ALL") ?? Environment.value("LC_CTYPE") ?? Environment.value("LANG")
    working += 1
    console = Memory.place(
      ConsoleDisplay(
        descriptor: StandardOutput.rawValue, locale: (locale ?? PermanentBytes("")).bytes,
        term: (Environment.value("TERM") ?? PermanentBytes("")).bytes,
        patience: attention.patience(until: .max)))
  }

  @inline(never)
  private mutating func giveUp(_ name: PermanentBytes, _ error: DisplayError) {
    report()
    failed = (name, error)
    isReported = false
  }

  @inline(never)
  private mutating func report() {
    guard let failed, !isReported else { return }
    isReported = true
    let outlook: StaticString = failed.error.mayPass ? "; it is taken when it can be had" : ""
    log.warning("display \(failed.name.bytes) given up: \(failed.error)\(outlook)")
  }
}
