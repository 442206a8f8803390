internal import Bytes
internal import CLinux

/// An address of either family and a port, to connect to.
public struct SocketAddress: Sendable {
  var storage = clinux_address()

  /// Nobody's.
  public init() {}
}

/// What a name leads to.
struct AddressList {
  var storage = clinux_addresses()
}

/// Finds a host's addresses, at most sixteen: families in turn (RFC 8305 §4), each in the order
/// that the system prefers. So neither the limit nor silent addresses of one family hide the other.
///
/// - Parameter preferred: comes first where it is among them.
///
/// getaddrinfo(3) waits for name servers as long as it likes and heeds no signal, so it runs in a
/// child process that is given up at the deadline; what it allocates goes away with it.
func resolve(
  _ host: borrowing Span<UInt8>, port: Int, preferring preferred: SocketAddress,
  until deadline: Int64, attending: Attending
) throws(ConnectError) -> AddressList {
  guard let name = Path(host) else { throw .name(EAI_NONAME) }
  var pipe = InlineArray<2, Int32>(repeating: -1)
  var ends = pipe.mutableSpan
  let failed =
    unsafe ends.withUnsafeMutableBufferPointer { unsafe pipe2($0.baseAddress, O_CLOEXEC) } != 0
  if failed { throw .connection(.current) }
  let output = FileDescriptor(owning: pipe[0])
  let input = FileDescriptor(owning: pipe[1])
  var address = preferred.storage
  let child = unsafe name.withCString {
    unsafe clinux_resolve_in_child($0, UInt16(port), &address, input.rawValue)
  }
  if child < 0 { throw .connection(.current) }
  _ = consume input
  defer {
    // It has nothing of its own to save.
    kill(child, SIGKILL)
    waitpid(child, nil, 0)
  }
  switch wait(for: .readable, on: output.rawValue, until: deadline, attending: attending) {
  case .timedOut: throw .name(EAI_AGAIN)
  case .interrupted: throw .interrupted
  case .ready: break
  }
  var found = AddressList()
  let size = MemoryLayout<AddressList>.size
  if unsafe read(output.rawValue, &found.storage, size) != size { throw .name(EAI_FAIL) }
  if found.storage.code != 0 { throw .name(found.storage.code) }
  return found
}
