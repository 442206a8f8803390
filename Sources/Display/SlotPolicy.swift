internal import Linux

/// What is known of a display that may come and go, and what follows from a failure: pure, of
/// errors alone.
///
/// A panel that fails is opened once more at once: while the system starts, the driver for the
/// display takes the place of a simpler one. Where that fails too it is given up, which is said
/// once, and awaited where what failed may pass.
struct SlotPolicy: Sendable {
  /// Whether it is a device that comes and goes; any other is given up for good.
  let comesAndGoes: Bool
  /// Whether nobody has asked for that display: where there is none, that is no fault.
  let isOptional: Bool
  /// Why the display is not there that may come; nil for every other one.
  private(set) var awaited: DisplayError?
  /// Whether it has been open since the start.
  private(set) var hasBeenOpen = false

  init(comesAndGoes: Bool = false, isOptional: Bool = false) {
    self.comesAndGoes = comesAndGoes
    self.isOptional = isOptional
  }

  /// What is to be said of a display that can't be had.
  enum Verdict: Equatable {
    /// That is known already.
    case nothing
    /// What became of the display that was open until now.
    case loss
    /// Why it can't be opened.
    case refusal
  }

  /// Whether it is still there although it is not open: its monitor has been plugged out, or turned
  /// off.
  var isUnplugged: Bool { hasBeenOpen && awaited?.isUnplugged == true }

  mutating func opened() {
    hasBeenOpen = true
    awaited = nil
  }

  /// The display was closed although nothing is wrong with it: it is taken again.
  mutating func letGo() { awaited = .system(.open, .noSuchFile) }

  /// It could not be opened when the program started.
  mutating func failedAtStart(_ error: DisplayError) -> Verdict {
    wait(for: error)
    return isOptional && error.isAbsence ? .nothing : .refusal
  }

  /// It could not be opened, or shown on once it was.
  ///
  /// - Parameter loss: what it failed for before, where it was open.
  /// - Parameter before: what it was awaited for before, where it was not.
  mutating func failed(
    _ error: DisplayError, loss: DisplayError?, awaitedBefore before: DisplayError?
  ) -> Verdict {
    wait(for: error)
    // That there is nothing now says less than what became of it.
    if loss != nil, error.isAbsence { return .loss }
    return before?.covers(error) == true ? .nothing : .refusal
  }

  private mutating func wait(for error: DisplayError) {
    awaited = comesAndGoes && error.mayPass ? error : nil
  }
}
