internal import CLinux

/// A deadline as a descriptor to wait on (timerfd_create(2)).
public struct Timer: ~Copyable {
  private let descriptor: FileDescriptor

  /// A timer that is not set.
  public init() throws(Errno) {
    descriptor = try openTimer(CLOCK_BOOTTIME)
  }

  /// Readable once the deadline has passed.
  public var rawValue: Int32 { descriptor.rawValue }

  /// Sets the deadline on `Clock.milliseconds`, in place of what was set; one that has passed fires
  /// at once. Without a deadline the timer stays quiet.
  public borrowing func set(_ deadline: Int64?) { setTimer(rawValue, deadline) }

  /// Makes the descriptor unreadable until the next deadline.
  public borrowing func acknowledge() {
    _ = readExpiry(rawValue)
  }
}

/// As `Timer.set`.
@inline(never)
func setTimer(_ timer: Int32, _ deadline: Int64?) {
  guard let deadline else {
    _ = clinux_set_timer(timer, 0, 0, 0)
    return
  }
  // Zero would mean "not set".
  let milliseconds = max(1, deadline)
  let failed = clinux_set_timer(
    timer, Int32(TFD_TIMER_ABSTIME), milliseconds / 1000, milliseconds % 1000 * 1_000_000)
  precondition(failed == 0)
}

/// Tells when somebody has set the wall clock (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET), as time
/// synchronisation does on a board that boots in 1970.
public struct ClockWatch: ~Copyable {
  private let descriptor: FileDescriptor

  public init() throws(Errno) {
    descriptor = try openClockWatch()
  }

  /// Readable once the clock has been set.
  public var rawValue: Int32 { descriptor.rawValue }

  /// Whether the clock has been set since the last call. Look at the clock after this, not before:
  /// that way no change is missed.
  public borrowing func acknowledge() -> Bool {
    if readExpiry(rawValue) == .wouldBlock { return false }
    _ = arm(rawValue)
    return true
  }
}

private func openClockWatch() throws(Errno) -> FileDescriptor {
  let timer = try openTimer(CLOCK_REALTIME)
  let number = timer.rawValue
  _ = try result { arm(number) }
  return timer
}

/// Has the timer cancelled when the clock is set; its expiry is as late as the kernel counts.
private func arm(_ timer: Int32) -> Int32 {
  clinux_set_timer(
    timer, Int32(TFD_TIMER_ABSTIME) | Int32(TFD_TIMER_CANCEL_ON_SET), Int64.max, 0)
}

private func openTimer(_ clock: Int32) throws(Errno) -> FileDescriptor {
  FileDescriptor(
    owning: try result { timerfd_create(clock, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK)) })
}

/// Takes the number of expiries; nil where there were some.
private func readExpiry(_ timer: Int32) -> Errno? {
  var expiries: UInt64 = 0
  do {
    _ = try result { unsafe read(timer, &expiries, 8) }
    return nil
  } catch {
    return error
  }
}
