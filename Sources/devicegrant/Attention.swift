internal import Linux

/// What a wait heeds besides what it waits for: signals in every command, and in `run` everybody
/// who may want something meanwhile.
struct Attention {
  /// The descriptor that is readable when there is something to heed.
  let descriptor: Int32
  /// What heeds it; true where the wait must end. nil: whatever is there ends the wait.
  let service: Patience.Service?

  /// Signals end the program as the kernel does by itself, and there is nobody else.
  static let nothing = Attention(descriptor: -1, service: nil)

  /// A wait of that many milliseconds from now.
  func patience(for milliseconds: Int64) -> Patience {
    patience(until: Clock.milliseconds + milliseconds)
  }

  /// Whether a wait that began now would end at once.
  var isDue: Bool {
    wait(for: .readable, on: -1, patience(for: 1)) == .interrupted
  }

  func patience(until deadline: Int64) -> Patience {
    Patience(deadline: deadline, interrupt: descriptor, service: service)
  }
}
