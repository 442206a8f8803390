internal import Agent
internal import Bytes
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
  /// Whether a panel that is not there may come, and when it is looked for again, in milliseconds
  /// since boot: asking a card what is connected takes its time.
  private var areAwaited = InlineArray<4, Bool>(repeating: false)
  private var looksAgainAt: Int64 = 0

  private static let millisecondsPerLook: Int64 = 1000
  private var console: UnsafeMutablePointer<ConsoleDisplay>?

  /// The text console behind the panels, kept from drawing over them.
  private var terminal: VirtualTerminal?
  /// Whether the text console of the panels is to be looked for.
  private var seeksTerminal = false

  private let log: Log
  /// What a wait for a display heeds.
  private let attention: Attention
  private let choices: DisplayChoices
  private let rotation: Rotation
  /// Which display was given up last, and why. No `Failure`: a newly made one takes the place of
  /// the message that another is on its way with.
  private var failed: (name: PermanentBytes, error: DisplayError)?
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

  var isEmpty: Bool { working == 0 }

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
  }

  /// Shows a screen that is to stay when the program ends, and gives the text console back, until
  /// `show` is called again: it draws its text in the place of a blank screen, and over any other
  /// when there is new text. Never fails: where the program ends, it is for another reason.
  @inline(never)
  mutating func showLast(_ screen: borrowing Screen) {
    if screen.isBlank { present(screen) }
    if terminal != nil { seeksTerminal = true }
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
      if panels[index] != nil || looks && areAwaited[index] { presentOnPanel(index, screen) }
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
    let path = choices[index].path
    if let panel = panels[index] {
      do {
        try panel.pointee.show(screen)
        return
      } catch {
        closePanel(index)
      }
    }
    let wasAwaited = areAwaited[index]
    do {
      try openPanel(index)
      try panels[index]?.pointee.show(screen)
      log.info("display \(path.bytes) is there now")
    } catch {
      closePanel(index)
      areAwaited[index] = error.isAbsence
      if !wasAwaited || !error.isAbsence { giveUp(path, error) }
    }
  }

  /// Opens a panel when the program starts. Where the choice is the program's, none is no fault.
  @inline(never)
  private mutating func openFirst(_ index: Int) {
    do { try openPanel(index) } catch {
      areAwaited[index] = error.isAbsence
      if choices[index].kind != .automatic || !error.isAbsence {
        giveUp(choices[index].path, error)
      }
    }
  }

  @inline(never)
  private mutating func openPanel(_ index: Int) throws(DisplayError) {
    let panel = try Displays.panel(choices[index], rotation)
    if !panel.staysWithoutProgram { endsWithProgram = true }
    if let place = places[index] {
      place.initialize(to: panel)
    } else {
      places[index] = Memory.place(panel)
    }
    panels[index] = places[index]
    areAwaited[index] = false
    working += 1
    showsTime = true
    seeksTerminal = terminal == nil
  }

  private mutating func closePanel(_ index: Int) {
    guard let panel = panels[index] else { return }
    panel.deinitialize(count: 1)
    panels[index] = nil
    working -= 1
  }

  private static func panel(
    _ choice: DisplayChoice, _ rotation: Rotation
  ) throws(DisplayError) -> PanelDisplay {
    let isAnyCard = choice.path.bytes.equals(DisplayChoice.anyCard)
    var reason = DisplayError.system(.open, .noSuchFile)
    if !isAnyCard {
      do { return try panel(choice.path.bytes, isCard: choice.kind == .card, rotation) } catch {
        reason = error
      }
    }
    if !isAnyCard, choice.kind != .automatic || !reason.isAbsence { throw reason }
    // A board may have one card that computes pictures, and another that shows them.
    for digit in UInt8(ascii: "0")...UInt8(ascii: "3") {
      var name = Text<32>(DisplayChoice.anyCard.bytes)
      name.append("/card")
      name.append(digit)
      do { return try panel(name.bytes, isCard: true, rotation) } catch {
        if !error.isAbsence { reason = error }
      }
    }
    throw reason
  }

  @inline(never)
  private static func panel(
    _ name: borrowing Span<UInt8>, isCard: Bool, _ rotation: Rotation
  ) throws(DisplayError) -> PanelDisplay {
    guard let path = Path(name) else { throw .system(.open, .nameTooLong) }
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
    do {
      if seeksTerminal {
        seeksTerminal = false
        let found = try VirtualTerminal(opening: Path("/dev/tty0"))
        if isOnPanel(found) { terminal = consume found }
      }
      if try terminal?.quieten() == true { invalidatePanels() }
    } catch {
      terminal = nil
      log.debug("cannot keep the text console from drawing: \(error)")
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

  private mutating func giveUp(_ name: PermanentBytes, _ error: DisplayError) {
    log.warning("display \(name.bytes) given up: \(error)")
    failed = (name, error)
  }
}
