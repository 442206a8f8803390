internal import Agent
internal import Bytes
internal import Configuration
internal import Linux

/// The time to wait for a token, in milliseconds: longer than `run` takes to refresh it.
private let tokenPatience: Int64 = 40_000

/// The time to wait for what takes no request to anybody, in milliseconds.
private let statusPatience: Int64 = 2000

/// Asks `run` for a token that is good for that many seconds; nil where it does not listen, or not
/// to us.
///
/// - Throws: exit code 77 where a person has to sign in first, 69 where the token is not to be had
///   now.
func askForToken(
  _ source: borrowing ConfigurationSource, _ minimum: Int64, _ log: Log
) throws(Failure) -> PermanentBytes? {
  guard let line = try ask(source, "token \(minimum)\n", tokenPatience) else { return nil }
  if line.bytes.hasPrefix("ok ") {
    let rest = line.extracting(3..<line.count)
    if let space = rest.bytes.firstIndex(of: 0x20), space + 1 < rest.count {
      let end = rest.bytes.extracting(first: space).parseDecimal() ?? 0
      if end != 0, end - Clock.unixSeconds < minimum { warnOfLife(minimum, log) }
      return rest.extracting(space + 1..<rest.count)
    }
  }
  let error: StaticString = "error "
  guard line.bytes.hasPrefix(error) else {
    let path = source.local.socket ?? PermanentBytes("")
    throw Failure(.unavailable, "socket \(path.bytes): that is no answer of devicegrant run")
  }
  let words = line.extracting(error.utf8CodeUnitCount..<line.count)
  let space = words.bytes.firstIndex(of: 0x20) ?? words.count
  let hint = words.extracting(min(space + 1, words.count)..<words.count)
  let isLoginRequired = words.extracting(0..<space).bytes.equals(Refusal.loginRequired.name)
  throw Failure(isLoginRequired ? .denied : .unavailable, "\(hint.bytes)")
}

/// Asks `run` how things stand; nil where it does not listen, or not to us.
func askForStatus(_ source: borrowing ConfigurationSource) -> PermanentBytes? {
  do {
    guard let line = try ask(source, "status\n", statusPatience), line.bytes.hasPrefix("ok ")
    else { return nil }
    return line.extracting(3..<line.count)
  } catch {
    return nil
  }
}

/// Sends one line to the socket, and takes the one that comes back, without its end.
private func ask(
  _ source: borrowing ConfigurationSource, _ request: Text<64>, _ milliseconds: Int64
) throws(Failure) -> PermanentBytes? {
  guard let socket = source.local.socket, let path = Path(socket.bytes) else { return nil }
  let patience = Patience(deadline: Clock.milliseconds + milliseconds)
  var answer = Memory.published()
  do {
    guard let connection = connect(to: path, patience) else { return nil }
    let number = connection.rawValue
    // Small enough to fit at once. Where `run` has just ended, there is nobody to ask.
    let sent = request.bytes.withUnsafeBytes { FileDescriptor.send(to: number, $0) }
    if sent != .bytes(request.count) { return nil }
    try receive(from: connection, into: &answer, patience)
  } catch {
    if error != .timedOut { return nil }
    throw Failure(.unavailable, "socket \(path): no answer from devicegrant run: \(error)")
  }
  if answer.isEmpty { return nil }
  let line = Memory.permanent(answer)
  guard let end = line.bytes.firstIndex(of: 0x0A) else {
    throw Failure(.unavailable, "socket \(path): half an answer from devicegrant run")
  }
  return line.extracting(0..<end)
}

private func connect(to path: borrowing Path, _ patience: Patience) -> FileDescriptor? {
  do {
    return try FileDescriptor(connectingToLocal: copy path, patience)
  } catch {
    return nil
  }
}

/// Receives what comes up to the end.
private func receive(
  from connection: borrowing FileDescriptor, into answer: inout Buffer, _ patience: Patience
) throws(Errno) {
  while true {
    switch wait(for: .readable, on: connection.rawValue, patience) {
    case .timedOut: throw .timedOut
    case .interrupted: throw .interrupted
    case .ready: if try connection.read(into: &answer) == 0 { return }
    }
  }
}
