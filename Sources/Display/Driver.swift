internal import Bytes
internal import Configuration
internal import Linux

/// A driver that has been opened. A new one is a file with the driver, a case here and what the
/// compiler then asks for, and a word of the `display` key.
enum Driver: OpenDriver {
  case picture(Place<PBMDisplay>)
  case panel(Place<PanelDisplay>)
  case console(Place<ConsoleDisplay>)

  func show(
    _ screen: borrowing Screen, attending: Attending
  ) throws(DisplayError) -> Bool {
    switch self {
    case .picture(let place): try place.value.show(screen)
    case .panel(let place): try place.value.show(screen)
    case .console(let place):
      try place.value.show(screen, attending: attending)
      return !place.value.isStopped
    }
    return true
  }

  func invalidate() {
    switch self {
    case .panel(let place): place.value.invalidate()
    case .picture, .console: break
    }
  }

  var staysWithoutProgram: Bool {
    switch self {
    case .panel(let place): place.value.staysWithoutProgram
    case .picture, .console: true
    }
  }

  var showsTime: Bool {
    switch self {
    case .picture, .panel: true
    case .console: false
    }
  }

  /// Whether what that text console draws would be seen on this display.
  func shows(_ terminal: borrowing VirtualTerminal) -> Bool {
    switch self {
    case .panel(let place): place.value.shows(terminal)
    case .picture, .console: false
    }
  }

  func close() {
    switch self {
    case .picture(let place): place.clear()
    case .panel(let place): place.clear()
    case .console(let place): place.clear()
    }
  }
}

/// What the drivers of this machine are opened with.
struct Drivers: DriverOpener {
  let rotation: Rotation
  let canvas: Canvas
  let memory: DriverMemory
  /// Of the console: see `ConsoleDisplay`.
  let locale: PermanentBytes
  let term: PermanentBytes

  @inline(never)
  func open(
    _ kind: DisplayChoice.Kind, _ path: PermanentBytes, slot: Int, name: inout PermanentBytes
  ) throws(DisplayError) -> Driver {
    switch kind {
    case .automatic, .framebuffer, .card:
      .panel(memory.put(try openPanel(kind, path, &name), part: slot))
    case .pbm(let width, let height):
      .picture(memory.put(try picture(path, width, height), part: slot))
    case .console:
      .console(
        memory.put(
          ConsoleDisplay(
            descriptor: StandardOutput.rawValue, locale: locale.bytes, term: term.bytes),
          part: slot))
    }
  }

  private func picture(
    _ name: PermanentBytes, _ width: Int, _ height: Int
  ) throws(DisplayError) -> PBMDisplay {
    guard let path = Path(name.bytes) else { throw .system(.create, .nameTooLong) }
    return PBMDisplay(
      path: path, width: width, height: height, rotation: rotation, canvas: canvas)
  }

  private func openPanel(
    _ kind: DisplayChoice.Kind, _ path: PermanentBytes, _ name: inout PermanentBytes
  ) throws(DisplayError) -> PanelDisplay {
    try findPanel(kind, path, &name) { (name, isCard) throws(DisplayError) in
      try openPanel(name, isCard: isCard)
    }
  }

  @inline(never)
  private func openPanel(
    _ name: PermanentBytes, isCard: Bool
  ) throws(DisplayError) -> PanelDisplay {
    guard let path = Path(name.bytes) else { throw .system(.open, .nameTooLong) }
    return isCard
      ? try PanelDisplay(card: path, rotation: rotation)
      : try PanelDisplay(framebuffer: path, rotation: rotation)
  }
}

/// Opens the panel of a choice: the device that it names, or the first graphics card that shows
/// something.
///
/// - Parameter name: is set to what the panel is called, also where it can't be opened: as in the
///   choice, or as the graphics card that was found.
/// - Parameter open: opens the framebuffer, or the card, of that name.
func findPanel<Panel: ~Copyable>(
  _ kind: DisplayChoice.Kind, _ path: PermanentBytes, _ name: inout PermanentBytes,
  _ open: (_ name: PermanentBytes, _ isCard: Bool) throws(DisplayError) -> Panel
) throws(DisplayError) -> Panel {
  name = path
  var reason = DisplayError.system(.open, .noSuchFile)
  if !path.bytes.equals(DisplayChoice.anyCard) {
    do { return try open(path, kind == .card) } catch { reason = error }
    if kind != .automatic || !reason.isAbsence { throw reason }
  }
  // A board may have one card that computes pictures, and another that shows them.
  var isFound = false
  for number in 0..<4 {
    let card = cardName(number)
    do {
      let panel = try open(card, true)
      name = card
      return panel
    } catch {
      if isFound || error.isNoCard { continue }
      isFound = true
      name = card
      reason = error
    }
  }
  throw reason
}

private func cardName(_ number: Int) -> PermanentBytes {
  switch number {
  case 0: PermanentBytes("/dev/dri/card0")
  case 1: PermanentBytes("/dev/dri/card1")
  case 2: PermanentBytes("/dev/dri/card2")
  default: PermanentBytes("/dev/dri/card3")
  }
}
