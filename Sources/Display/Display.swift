/// A place where a person can see a screen. A new kind of display is one file and one case.
public enum Display: ~Copyable {
  case pbm(PBMDisplay)
  case framebuffer(FramebufferDisplay)
  case console(ConsoleDisplay)

  /// Shows that screen in place of what was shown before.
  ///
  /// Call it whenever the screen changes, and once a second while a code is shown, for the time
  /// left: a driver writes what changed only.
  public mutating func show(_ screen: Screen) throws(DisplayError) {
    var failure: DisplayError? = nil
    switch consume self {
    case .pbm(var display):
      do { try display.show(screen) } catch { failure = error }
      self = .pbm(display)
    case .framebuffer(var display):
      do { try display.show(screen) } catch { failure = error }
      self = .framebuffer(display)
    case .console(var display):
      do { try display.show(screen) } catch { failure = error }
      self = .console(display)
    }
    if let failure { throw failure }
  }
}
