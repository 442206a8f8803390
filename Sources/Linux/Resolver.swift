internal import Bytes
internal import CLinux

/// The addresses of a host, at most eight: with more, the first ones are enough.
struct AddressList {
  private var addresses = InlineArray<8, sockaddr_storage>(repeating: sockaddr_storage())
  private(set) var count = 0

  subscript(_ index: Int) -> sockaddr_storage { addresses[index] }

  mutating func append(_ address: sockaddr_storage) {
    guard count < addresses.count else { return }
    addresses[count] = address
    count += 1
  }
}

/// Finds a host's addresses, in the order that the system prefers.
///
/// getaddrinfo(3) waits for name servers as long as it likes and heeds no signal, so it runs in a
/// child process that is given up at the deadline; what it allocates goes away with it.
func resolve(
  _ host: borrowing Span<UInt8>, port: Int, until deadline: Int64, attending: Attending
) throws(ConnectError) -> AddressList {
  guard let name = Path(host) else { throw .name(EAI_NONAME) }
  var pipe = InlineArray<2, Int32>(repeating: -1)
  var ends = pipe.mutableSpan
  let failed =
    unsafe ends.withUnsafeMutableBufferPointer { unsafe pipe2($0.baseAddress, O_CLOEXEC) } != 0
  if failed { throw .connection(.current) }
  let output = FileDescriptor(owning: pipe[0])
  let input = FileDescriptor(owning: pipe[1])
  let child = unsafe name.withCString {
    unsafe clinux_resolve_in_child($0, UInt16(port), input.rawValue)
  }
  if child < 0 { throw .connection(.current) }
  _ = consume input
  defer {
    // It has nothing of its own to save.
    kill(child, SIGKILL)
    waitpid(child, nil, 0)
  }
  return try readAddresses(output, until: deadline, attending: attending)
}

/// Reads what the child wrote: the code of getaddrinfo(3), then addresses up to the end.
private func readAddresses(
  _ output: borrowing FileDescriptor, until deadline: Int64, attending: Attending
) throws(ConnectError) -> AddressList {
  var list = AddressList()
  var code: Int32 = EAI_FAIL
  guard try readValue(&code, output, until: deadline, attending: attending), code == 0 else {
    throw .name(code)
  }
  var address = sockaddr_storage()
  while try readValue(&address, output, until: deadline, attending: attending) {
    list.append(address)
  }
  if list.count == 0 { throw .name(EAI_NONAME) }
  return list
}

/// Reads one value that was written in one piece; false at the end.
private func readValue<Value: BitwiseCopyable>(
  _ value: inout Value, _ output: borrowing FileDescriptor, until deadline: Int64,
  attending: Attending
) throws(ConnectError) -> Bool {
  switch wait(for: .readable, on: output.rawValue, until: deadline, attending: attending) {
  case .timedOut: throw .name(EAI_AGAIN)
  case .interrupted: throw .interrupted
  case .ready: break
  }
  // A pipe keeps a write of less than PIPE_BUF together.
  let size = MemoryLayout<Value>.size
  return unsafe withUnsafeMutableBytes(of: &value) {
    unsafe read(output.rawValue, $0.baseAddress, size)
  } == size
}
