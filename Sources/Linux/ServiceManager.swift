internal import Bytes
internal import CLinux

/// The service manager that has started this program, if one has, in the protocol of sd_notify(3).
public struct ServiceManager: Sendable {
  private let socket: PermanentBytes?
  /// Milliseconds between signs of life; nil where it wants none.
  private let interval: Int64?
  private var isReady = false
  private var lastPing: Int64 = 0

  public init() {
    socket = Environment.value("NOTIFY_SOCKET")
    let limit = Environment.value("WATCHDOG_USEC")?.bytes.parseDecimal()
    // Twice as often as it asks for.
    interval = socket == nil ? nil : limit.map { max(1, $0 / 2000) }
  }

  /// Says, once, that the program does what it was started for.
  public mutating func ready() {
    if isReady { return }
    isReady = true
    tell(isReady: true)
  }

  /// Gives a sign of life where one is due.
  ///
  /// - Returns: the time of the next sign in milliseconds since boot; nil where none is wanted.
  public mutating func ping(now: Int64) -> Int64? {
    guard let interval else { return nil }
    if now - lastPing >= interval {
      lastPing = now
      tell(isReady: false)
    }
    return lastPing + interval
  }

  /// Sends one datagram; whether anybody hears it makes no difference here.
  private func send(_ words: StaticString) {
    guard let socket else { return }
    unsafe socket.bytes.withUnsafeBytes { address in
      words.withUTF8Buffer { words in
        unsafe clinux_send_to_local(
          address.baseAddress, address.count, words.baseAddress, words.count)
      }
    }
  }

  /// It listens to the process that it has started, which is the outer one.
  private func tell(isReady: Bool) {
    if OuterProcess.isThere {
      _ = try? OuterProcess.ask(clinux_order_tell, isReady ? 1 : 0)
    } else {
      send(isReady ? "READY=1" : "WATCHDOG=1")
    }
  }
}
