internal import Bytes
internal import CLinux

/// The kernel's clocks.
public enum Clock {
  /// Milliseconds since boot, suspend included, never set back: for intervals and deadlines
  /// (CLOCK_BOOTTIME).
  public static var milliseconds: Int64 { microseconds / 1000 }

  /// Microseconds since boot, as in the kernel's log.
  public static var microseconds: Int64 {
    let time = read(CLOCK_BOOTTIME)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }

  /// Seconds since 1970 by the wall clock, which may be wrong: only for certificates and stored
  /// expiry (CLOCK_REALTIME).
  public static var unixSeconds: Int64 { Int64(read(CLOCK_REALTIME).tv_sec) }

  private static func read(_ clock: clockid_t) -> timespec {
    var time = timespec()
    clock_gettime(clock, &time)
    return time
  }
}
