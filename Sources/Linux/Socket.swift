public import Bytes
internal import CLinux

/// Why there is no connection.
public enum ConnectError: Error, Sendable {
  /// The name did not lead to an address; the code of getaddrinfo(3).
  case name(Int32)
  /// The last address that was tried did not answer.
  case connection(Errno)
  case timedOut
  case interrupted
}

extension ByteSink where Self: ~Copyable {
  /// Appends what failed, with its layer first.
  public mutating func append(_ error: ConnectError) {
    switch error {
    case .name(let code):
      append("name resolution failed: ")
      unsafe appendCString(gai_strerror(code))
    case .connection(let error):
      append("connection failed: ")
      append(error)
    case .timedOut: append("connection failed: no answer in time")
    case .interrupted: append("interrupted by a signal")
    }
  }

  mutating func appendCString(_ text: UnsafePointer<CChar>?) {
    guard let text = unsafe text else { return }
    var index = 0
    while unsafe text[index] != 0 {
      unsafe append(UInt8(bitPattern: text[index]))
      index += 1
    }
  }
}

/// The bytes of an IPv4 (4) or IPv6 (16) address; nil where the text is neither.
public func parseAddress(_ text: borrowing Span<UInt8>) -> Text<16>? {
  guard let name = Path(text) else { return nil }
  var bytes = InlineArray<16, UInt8>(repeating: 0)
  var span = bytes.mutableSpan
  let length = unsafe span.withUnsafeMutableBytes { bytes in
    unsafe name.withCString { name in
      if unsafe inet_pton(AF_INET, name, bytes.baseAddress) == 1 { return 4 }
      return unsafe inet_pton(AF_INET6, name, bytes.baseAddress) == 1 ? 16 : 0
    }
  }
  return length == 0 ? nil : Text(bytes.span.extracting(first: length))
}

extension FileDescriptor {
  /// Opens a TCP connection to whichever of the host's addresses answers first (RFC 8305). The
  /// descriptor does not block.
  ///
  /// - Parameter address: tried first where it is the host's; becomes the one that answered.
  public init(
    connectingTo host: borrowing Span<UInt8>, port: Int, preferring address: inout SocketAddress,
    until deadline: Int64, attending: Attending
  ) throws(ConnectError) {
    var addresses = try resolve(
      host, port: port, preferring: address, until: deadline, attending: attending)
    self = try connect(
      to: &addresses, answering: &address, until: deadline, attending: attending)
  }

  /// What came of one transfer on a descriptor that does not block.
  public enum Transfer: Sendable, Equatable {
    case bytes(Int)
    case wouldBlock
    case failed(Errno)
  }

  /// Receives what is there on a descriptor that does not block; zero bytes are the end.
  public static func receive(
    from descriptor: Int32, into space: UnsafeMutableRawBufferPointer
  ) -> Transfer {
    transfer { unsafe recv(descriptor, space.baseAddress, space.count, 0) }
  }

  /// Sends what there is room for on a descriptor that does not block.
  public static func send(
    to descriptor: Int32, _ bytes: UnsafeRawBufferPointer
  ) -> Transfer {
    transfer { unsafe CLinux.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
  }

  /// Sends what there is room for on a descriptor that does not block.
  public static func send(to descriptor: Int32, _ bytes: borrowing Span<UInt8>) -> Transfer {
    unsafe bytes.withUnsafeBytes { unsafe send(to: descriptor, $0) }
  }

  /// Receives what is there on a descriptor that does not block.
  public static func receive<let capacity: Int>(
    from descriptor: Int32, into space: inout InlineArray<capacity, UInt8>
  ) -> Transfer {
    var span = space.mutableSpan
    return unsafe span.withUnsafeMutableBytes { unsafe receive(from: descriptor, into: $0) }
  }

  static func transfer(_ body: () -> Int) -> Transfer {
    do {
      return .bytes(try result(body))
    } catch {
      return error == .wouldBlock ? .wouldBlock : .failed(error)
    }
  }
}

/// How long an attempt is waited for, in milliseconds, before the next begins beside it (RFC 8305
/// §5).
private let attemptDelay: Int64 = 250

/// Connects to one address after the other, and to the next also while the others are silent.
///
/// - Parameter address: becomes the one that answered.
func connect(
  to addresses: inout AddressList, answering address: inout SocketAddress,
  until deadline: Int64, attending: Attending
) throws(ConnectError) -> FileDescriptor {
  let queue: EventQueue
  do {
    queue = try EventQueue()
  } catch {
    throw .connection(error)
  }
  var attempts = InlineArray<16, Int32>(repeating: -1)
  var next = 0
  let count = Int(addresses.storage.count)
  defer { for index in 0..<next { _ = FileDescriptor(owning: attempts[index]) } }
  var pending = 0
  var failure = ConnectError.timedOut
  while true {
    var end = deadline
    if next < count {
      end = min(end, Clock.milliseconds + attemptDelay)
      do {
        attempts[next] = try unsafe beginConnecting(
          to: clinux_address_at(&addresses.storage, Int32(next)), queue, token: UInt32(next))
        pending += 1
      } catch {
        failure = .connection(error)
      }
      next += 1
    } else if pending == 0 {
      throw failure
    }
    if pending == 0 { continue }
    switch wait(for: .readable, on: queue.rawValue, until: end, attending: attending) {
    case .interrupted: throw .interrupted
    case .timedOut: if end == deadline { throw .timedOut }
    case .ready:
      guard let token = queue.next() else { continue }
      let index = Int(token)
      let error = pendingError(of: attempts[index])
      let attempt = FileDescriptor(owning: attempts[index])
      attempts[index] = -1
      if error == 0 {
        unsafe address.storage = clinux_address_at(&addresses.storage, Int32(token)).pointee
        return attempt
      }
      failure = .connection(Errno(rawValue: error))
      pending -= 1
    }
  }
}

private func beginConnecting(
  to address: UnsafePointer<clinux_address>, _ queue: borrowing EventQueue, token: UInt32
) throws(Errno) -> Int32 {
  let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
  let connection = FileDescriptor(
    owning: try result { unsafe socket(Int32(address.pointee.family), type, 0) })
  let descriptor = connection.rawValue
  // A poll is one small write; waiting to fill a segment would only delay it.
  var one: Int32 = 1
  unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
  if unsafe clinux_connect(descriptor, address) != 0, Errno.current.rawValue != EINPROGRESS {
    throw .current
  }
  try queue.add(descriptor, token: token, for: .writable)
  return connection.give()
}

/// What came of connecting: zero, or an error number.
private func pendingError(of descriptor: Int32) -> Int32 {
  var error: Int32 = 0
  var length = socklen_t(4)
  let outcome = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
  return outcome == 0 ? error : Errno.current.rawValue
}
