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
  /// Opens a TCP connection, trying the host's addresses in the order that the system prefers; each
  /// gets an equal share of the time that is left. The descriptor does not block.
  public init(
    connectingTo host: borrowing Span<UInt8>, port: Int, until deadline: Int64, attending: Attending
  ) throws(ConnectError) {
    let addresses = try resolve(
      host, port: port, until: deadline, attending: attending)
    var failure = ConnectError.timedOut
    for index in 0..<addresses.count {
      let now = Clock.milliseconds
      let share = (deadline - now) / Int64(addresses.count - index)
      do {
        self = try connect(
          to: addresses[index], until: min(deadline, now + share), attending: attending)
        return
      } catch {
        if case .interrupted = error { throw error }
        failure = error
      }
    }
    throw failure
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

private func connect(
  to address: sockaddr_storage, until deadline: Int64, attending: Attending
) throws(ConnectError) -> FileDescriptor {
  let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
  let descriptor = socket(Int32(address.ss_family), type, 0)
  if descriptor < 0 { throw .connection(.current) }
  let connection = FileDescriptor(owning: descriptor)
  // A poll is one small write; waiting to fill a segment would only delay it.
  var one: Int32 = 1
  unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)

  var storage = address
  if unsafe clinux_connect(descriptor, &storage) == 0 { return connection }
  let failure = Errno.current
  if failure.rawValue != EINPROGRESS { throw .connection(failure) }
  switch wait(for: .writable, on: descriptor, until: deadline, attending: attending) {
  case .timedOut: throw .timedOut
  case .interrupted: throw .interrupted
  case .ready: break
  }
  var error: Int32 = 0
  var length = socklen_t(4)
  unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
  if error != 0 { throw .connection(Errno(rawValue: error)) }
  return connection
}
