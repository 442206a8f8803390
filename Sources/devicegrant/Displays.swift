internal import Agent
internal import Bytes
internal import Display
internal import Linux

/// The configured displays, showing one screen. A display that fails is given up and the log says
/// why; the others go on.
struct Displays: ~Copyable {
  // Each driver holds its layout, some kilobytes: it stays in static memory, where a member of this
  // struct would be moved with it.
  private var pictures = InlineArray<4, UnsafeMutablePointer<PBMDisplay>?>(repeating: nil)
  private var framebuffers = InlineArray<4, UnsafeMutablePointer<FramebufferDisplay>?>(
    repeating: nil)
  private var console: UnsafeMutablePointer<ConsoleDisplay>?

  private let log: Log
  private let choices: DisplayChoices
  /// Which display was given up last, and why. No `Failure`: a newly made one takes the place of
  /// the message that another is on its way with.
  private var failed: (name: PermanentBytes, error: DisplayError)?
  /// Whether one of them shows the time left, and so is to be painted every second.
  private(set) var showsTime = false

  /// - Throws: exit code 73 where there are displays in the configuration and none can be opened.
  init(_ source: borrowing ConfigurationSource, _ log: Log) throws(Failure) {
    self.log = log
    choices = source.local.displays
    guard let rotation = Rotation(degrees: source.local.rotation) else {
      throw source.failure(.rotate, "is not 0, 90, 180 or 270")
    }
    for index in 0..<choices.count {
      let choice = choices[index]
      switch choice.kind {
      case .automatic:
        // No framebuffer is no fault here.
        openFramebuffer(choice.path, rotation, at: index, isOptional: true)
        openConsole()
      case .framebuffer: openFramebuffer(choice.path, rotation, at: index, isOptional: false)
      case .console: openConsole()
      case .pbm(let width, let height):
        guard let path = Path(choice.path.bytes) else {
          throw source.failure(.display, "holds a path that is too long")
        }
        working += 1
        pictures[index] = Memory.place(
          PBMDisplay(
            path: path, width: width, height: height, rotation: rotation,
            memory: Memory.canvas()))
        showsTime = true
      }
    }
    if isEmpty { try checkForFailure() }
  }

  /// How many displays still work.
  private var working = 0

  var isEmpty: Bool { working == 0 }

  deinit {
    for index in pictures.indices {
      pictures[index]?.deinitialize(count: 1)
      framebuffers[index]?.deinitialize(count: 1)
    }
    console?.deinitialize(count: 1)
  }

  /// Shows a screen on every display that still works.
  ///
  /// - Throws: exit code 73 where there were displays and none is left.
  mutating func show(_ screen: borrowing Screen) throws(Failure) {
    showLast(screen)
    if isEmpty { try checkForFailure() }
  }

  /// Shows a screen on every display that still works, where the program ends for another reason
  /// than a display.
  @inline(never)
  mutating func showLast(_ screen: borrowing Screen) {
    for index in pictures.indices {
      do {
        try pictures[index]?.pointee.show(screen)
      } catch {
        pictures[index]?.deinitialize(count: 1)
        pictures[index] = nil
        working -= 1
        giveUp(choices[index].path, error)
      }
      framebuffers[index]?.pointee.show(screen)
    }
    do {
      try console?.pointee.show(screen)
    } catch {
      console?.deinitialize(count: 1)
      console = nil
      working -= 1
      giveUp(PermanentBytes("console"), error)
    }
  }

  /// - Throws: exit code 73 for the display that was given up last, where there is one.
  func checkForFailure() throws(Failure) {
    guard let failed else { return }
    throw Failure(.cannotCreate, "display \(failed.name.bytes): \(failed.error)")
  }

  private mutating func openFramebuffer(
    _ path: PermanentBytes, _ rotation: Rotation, at index: Int, isOptional: Bool
  ) {
    guard let path = Path(path.bytes) else { return }
    do {
      framebuffers[index] = Memory.place(
        try FramebufferDisplay(path: path, rotation: rotation))
      working += 1
      showsTime = true
    } catch {
      if isOptional, case .system(.open, .noSuchFile) = error { return }
      giveUp(choices[index].path, error)
    }
  }

  private mutating func openConsole() {
    if console != nil { return }
    let locale =
      Environment.value("LC_ALL") ?? Environment.value("LC_CTYPE") ?? Environment.value("LANG")
    working += 1
    console = Memory.place(
      ConsoleDisplay(
        descriptor: StandardOutput.rawValue, locale: (locale ?? PermanentBytes("")).bytes,
        term: (Environment.value("TERM") ?? PermanentBytes("")).bytes))
  }

  private mutating func giveUp(_ name: PermanentBytes, _ error: DisplayError) {
    log.warning("display \(name.bytes) given up: \(error)")
    failed = (name, error)
  }
}
