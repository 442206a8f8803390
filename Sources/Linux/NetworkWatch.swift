internal import CLinux

/// Tells when the board's addresses or routes change (rtnetlink(7)).
public struct NetworkWatch: ~Copyable {
  private let descriptor: FileDescriptor

  /// - Throws: `EAFNOSUPPORT` or `EPROTONOSUPPORT` where the kernel or a sandbox has no netlink.
  public init() throws(Errno) {
    descriptor = FileDescriptor(owning: try result { clinux_network_events() })
  }

  /// Readable when something has changed.
  public var rawValue: Int32 { descriptor.rawValue }

  /// Whether anything has changed since the last call. Also where that can't be told, because too
  /// much has happened.
  public borrowing func hasChanged() -> Bool {
    var hasChanged = false
    var byte: UInt8 = 0
    // What is left is reported again: others may change the network without a pause.
    for _ in 0..<EventQueue.readLimit {
      // What it is does not matter: the rest of a message is dropped.
      guard unsafe recv(descriptor.rawValue, &byte, 1, 0) >= 0 else {
        return hasChanged || Errno.current.rawValue == ENOBUFS
      }
      hasChanged = true
    }
    return hasChanged
  }
}
