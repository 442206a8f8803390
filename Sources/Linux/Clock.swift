internal import CLinux

/// The kernel's clocks.
public enum Clock {
  /// Milliseconds since boot, suspend included, never set back: for intervals and deadlines
  /// (CLOCK_BOOTTIME).
  public static var milliseconds: Int64 {
    @inline(never) get { microseconds / 1000 }
  }

  /// Microseconds since boot, as in the kernel's log.
  public static var microseconds: Int64 {
    let time = clinux_read_clock(CLOCK_BOOTTIME)
    return time.seconds * 1_000_000 + time.nanoseconds / 1000
  }

  /// Seconds since 1970 by the wall clock, which may be wrong: only for certificates and stored
  /// expiry (CLOCK_REALTIME).
  public static var unixSeconds: Int64 {
    @inline(never) get { clinux_read_clock(CLOCK_REALTIME).seconds }
  }
}
