internal import Agent
internal import Bytes
internal import Display
internal import Linux

/// The configured displays, showing one screen. A display that fails is given up and the log says
/// why; the others go on.
struct Displays: ~Copyable {
  private var pictures = InlineArray<4, PBMDisplay?> { _ in nil }
  private var framebuffers = InlineArray<4, FramebufferDisplay?> { _ in nil }
  private var console: ConsoleDisplay?

  private let log: Log
  /// The last reason why a display was given up.
  private(set) var failure: Failure?
  /// Whether one of them shows the time left, and so is to be painted every second.
  private(set) var showsTime = false

  /// - Throws: exit code 73 where there are displays in the configuration and none can be opened.
  init(_ source: borrowing ConfigurationSource, _ log: Log) throws(Failure) {
    self.log = log
    let choices = source.local.displays
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
        pictures[index] = PBMDisplay(
          path: path, width: width, height: height, rotation: rotation, memory: Memory.canvas())
        showsTime = true
      }
    }
    if choices.count > 0, isEmpty, let failure { throw failure }
  }

  var isEmpty: Bool {
    for index in pictures.indices where pictures[index] != nil || framebuffers[index] != nil {
      return false
    }
    return console == nil
  }

  /// Shows a screen on every display that still works.
  ///
  /// - Throws: exit code 73 where there were displays and none is left.
  mutating func show(_ screen: Screen) throws(Failure) {
    let wasEmpty = isEmpty
    for index in pictures.indices {
      do {
        try pictures[index]?.show(screen)
      } catch {
        pictures[index] = nil
        giveUp(error)
      }
      do {
        try framebuffers[index]?.show(screen)
      } catch {
        framebuffers[index] = nil
        giveUp(error)
      }
    }
    do {
      try console?.show(screen)
    } catch {
      console = nil
      giveUp(error)
    }
    if !wasEmpty, isEmpty, let failure { throw failure }
  }

  private mutating func openFramebuffer(
    _ path: PermanentBytes, _ rotation: Rotation, at index: Int, isOptional: Bool
  ) {
    guard let path = Path(path.bytes) else { return }
    do {
      framebuffers[index] = try FramebufferDisplay(path: path, rotation: rotation)
      showsTime = true
    } catch {
      if isOptional, case .system(.open, _, .noSuchFile) = error { return }
      giveUp(error)
    }
  }

  private mutating func openConsole() {
    let locale =
      Environment.value("LC_ALL") ?? Environment.value("LC_CTYPE") ?? Environment.value("LANG")
    console = ConsoleDisplay(
      descriptor: StandardOutput.rawValue, locale: (locale ?? PermanentBytes("")).bytes,
      term: (Environment.value("TERM") ?? PermanentBytes("")).bytes)
  }

  private mutating func giveUp(_ error: DisplayError) {
    log.warning("display given up: \(error)")
    failure = Failure(.cannotCreate, "display: \(error)")
  }
}
