internal import CLinux

/// Many descriptors to wait on at once (epoll(7)). The queue's own descriptor is readable when one
/// of them is ready, so it can be an `Attending`'s.
public struct EventQueue: ~Copyable {
  /// How often a source is read at a time, at most: some are filled without a pause, and what is
  /// left is reported again.
  static let readLimit = 4096

  private let descriptor: FileDescriptor

  /// What to be told about a descriptor.
  public enum Interest: Sendable {
    /// That it can be read, as long as it can.
    case readable
    /// That more has come to be read, once for each arrival: for what may have to be left unread.
    case arrival
    /// That it can be written to: that a connection is made, or failed.
    case writable
  }

  public init() throws(Errno) {
    descriptor = FileDescriptor(
      owning: try result { epoll_create1(Int32(EPOLL_CLOEXEC)) })
  }

  /// What an `Attending` takes.
  public var rawValue: Int32 { descriptor.rawValue }

  /// Watches a descriptor from now on.
  ///
  /// - Parameter token: what `next` is to return. An end or an error of the descriptor counts as
  ///   ready, whatever the interest.
  public borrowing func add(
    _ descriptor: Int32, token: UInt32, for interest: Interest = .readable
  ) throws(Errno) {
    let queue = rawValue
    let events =
      switch interest {
      case .readable: EPOLLIN.rawValue
      case .writable: EPOLLOUT.rawValue
      case .arrival: EPOLLIN.rawValue | EPOLLET.rawValue
      }
    _ = try result { clinux_epoll_control(queue, EPOLL_CTL_ADD, descriptor, events, token) }
  }

  /// Watches a descriptor no longer. To be called before it is closed: a child process may hold a
  /// copy, and the kernel watches as long as there is one.
  public borrowing func remove(_ descriptor: Int32) {
    _ = clinux_epoll_control(rawValue, EPOLL_CTL_DEL, descriptor, 0, 0)
  }

  /// The token of one descriptor that is ready, without waiting. Each gets its turn.
  public borrowing func next() -> UInt32? {
    var token: UInt32 = 0
    return unsafe clinux_epoll_next(rawValue, &token) == 1 ? token : nil
  }
}
