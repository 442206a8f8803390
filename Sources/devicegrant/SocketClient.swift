internal import Board
internal import Bytes
internal import Configuration
internal import Invocation
internal import Linux

/// The time to wait for a token, in milliseconds: longer than `run` takes to refresh it.
private let tokenPatience: Int64 = 40_000

/// The time to wait for a sign-out, in milliseconds: longer than `run` takes for it.
private let signOutPatience: Int64 = 170_000

/// The time to wait for what takes no request to anybody, in milliseconds.
private let statusPatience: Int64 = 2000

/// Asks `run` for a token that is good for that many seconds; nil where it does not listen, or not
/// to us.
///
/// - Throws: exit code 77 where a person has to sign in first, 69 where the token is not to be had
///   now.
func askForToken(
  _ source: borrowing ConfigurationSource, _ minimum: Int64, _ log: KernelLog
) throws(StartError) -> PermanentBytes? {
  var answer = Memory.socketAnswer()
  guard let line = try ask(source, "token \(minimum)\n", tokenPatience, &answer) else {
    return nil
  }
  switch SocketAnswer(line) {
  case .token(let token, let end):
    if end != 0, end - Clock.unixSeconds < minimum { warnOfLife(minimum, log) }
    return token
  case .refused(let refusal, let hint):
    throw .about(refusal == .loginRequired ? .denied : .unavailable, "", hint, "")
  case .junk:
    let path = source.local.socket ?? PermanentBytes("")
    throw .about(.unavailable, "socket ", path, ": that is no answer of devicegrant run")
  }
}

/// Asks `run` how things stand, in words or as JSON; nil where it does not listen, or not to us.
func askForStanding(
  _ source: borrowing ConfigurationSource, asJSON: Bool, _ answer: inout Buffer
) -> PermanentBytes? {
  do {
    let request: Text<64> = asJSON ? "state\n" : "status\n"
    guard let line = try ask(source, request, statusPatience, &answer),
      line.bytes.hasPrefix("ok ")
    else { return nil }
    return line.extracting(3..<line.count)
  } catch {
    return nil
  }
}

/// Has `run` sign out.
///
/// - Returns: false where that is to be done without it: it does not listen, or not to us, or who
///   listens is not believed.
/// - Throws: what did not work.
func askToSignOut(_ source: borrowing ConfigurationSource) throws(StartError) -> Bool {
  var answer = Memory.socketAnswer()
  guard let line = try? ask(source, "sign-out\n", signOutPatience, &answer) else { return false }
  if line.bytes.hasPrefix("ok ") { return true }
  let refusal: StaticString = "error unavailable "
  if !line.bytes.hasPrefix(refusal) { return false }
  throw .about(.unavailable, "", line.extracting(refusal.utf8CodeUnitCount..<line.count), "")
}

/// Sends one line to the socket, and takes the one that comes back, without its end.
private func ask(
  _ source: borrowing ConfigurationSource, _ request: Text<64>, _ milliseconds: Int64,
  _ answer: inout Buffer
) throws(StartError) -> PermanentBytes? {
  guard let socket = source.local.socket, let path = Path(socket.bytes) else { return nil }
  let deadline = Clock.milliseconds + milliseconds
  do throws(Errno) {
    guard let connection = connect(to: path, until: deadline) else { return nil }
    if !isTrusted(connection.peerCredentials, at: path) {
      // What it says might be taken for a token.
      throw .notPermitted
    }
    let number = connection.rawValue
    // Small enough to fit at once. Where `run` has just ended, there is nobody to ask.
    let sent = FileDescriptor.send(to: number, request.bytes)
    if sent != .bytes(request.count) { return nil }
    try receive(from: connection, into: &answer, until: deadline)
  } catch {
    if error == .notPermitted {
      throw .about(.unavailable, "socket ", socket, ": another user's program listens there")
    }
    if error != .timedOut { return nil }
    throw .about(
      .unavailable, "socket ", socket, ": no answer from devicegrant run", error)
  }
  if answer.isEmpty { return nil }
  let line = Memory.permanent(answer)
  guard let end = line.bytes.firstIndex(of: 0x0A) else {
    throw .about(.unavailable, "socket ", socket, ": half an answer from devicegrant run")
  }
  return line.extracting(0..<end)
}

/// Whether who listens may be `run`: as root, as this user, or, where the package has it listen, as
/// the user to whom the service manager has given the directory; others anybody may have made.
private func isTrusted(_ peer: PeerCredentials?, at path: borrowing Path) -> Bool {
  guard let peer else { return false }
  if peer.user == 0 || peer.user == User.number { return true }
  guard path.bytes.hasPrefix("/run/devicegrant/"), let place = try? path.directory.status() else {
    return false
  }
  return place.owner == peer.user
}

private func connect(to path: borrowing Path, until deadline: Int64) -> FileDescriptor? {
  do {
    return try FileDescriptor(connectingToLocal: copy path, until: deadline)
  } catch {
    return nil
  }
}

/// Receives what comes up to the end.
private func receive(
  from connection: borrowing FileDescriptor, into answer: inout Buffer, until deadline: Int64
) throws(Errno) {
  while true {
    let wakeup = wait(
      for: .readable, on: connection.rawValue, until: deadline, attending: Attending())
    switch wakeup {
    case .timedOut: throw .timedOut
    case .interrupted: throw .interrupted
    case .ready: if try connection.read(into: &answer) == 0 { return }
    }
  }
}
