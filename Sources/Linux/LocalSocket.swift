public import Bytes
internal import CLinux

/// Why there is no socket to listen on.
public enum LocalSocketError: Error, Sendable, Equatable {
  /// More than `LocalListener.longestPath` bytes.
  case pathTooLong
  /// Its directory can't be made.
  case directory(Errno)
  /// Somebody else listens there.
  case inUse
  /// There is a file that is no socket, which may be of value.
  case notSocket
  /// The stale socket there can't be removed, or the new one can't be made.
  case socket(Errno)
  /// The socket can't be handed to the group.
  case group(Errno)
}

extension ByteSink where Self: ~Copyable {
  /// Appends what stands in the way.
  public mutating func append(_ error: LocalSocketError) {
    switch error {
    case .pathTooLong: append("its path is longer than 107 bytes")
    case .directory(let error):
      append("its directory can't be made: ")
      append(error)
    case .inUse: append("another program listens there")
    case .notSocket: append("there is a file that is no socket")
    case .socket(let error): append(error)
    case .group(let error):
      append("it can't be handed to its group: ")
      append(error)
    }
  }
}

/// A UNIX stream socket that listens at a path (unix(7)). Neither it nor its connections block.
public struct LocalListener: ~Copyable {
  /// In bytes: `sun_path` without the zero.
  public static var longestPath: Int { 107 }

  private let descriptor: FileDescriptor
  private let path: SocketPath
  private let identity: FileStatus

  /// Listens at `path`. Its directory is made where it is missing (mode 0755), and a socket there
  /// that nobody listens on any more is removed.
  ///
  /// - Parameters:
  ///   - mode: who may connect: it takes the right to write.
  ///   - group: whose the socket becomes; without one it is the process's.
  public init(at path: Path, mode: UInt32, group: UInt32?) throws(LocalSocketError) {
    guard let place = SocketPath(path) else { throw .pathTooLong }
    try makeParent(path)
    try clearWay(place)
    let socket = try bindSocket(to: place, mode: mode)
    identity = try listen(on: socket.rawValue, at: place, group: group)
    self.path = place
    descriptor = socket
  }

  deinit {
    removeOwn(path, identity)
  }

  /// Readable when somebody wants to connect.
  public var rawValue: Int32 { descriptor.rawValue }

  /// The connection of the next one who waits for it, if somebody does.
  ///
  /// - Throws: where descriptors or memory have run out. Somebody still waits then, so a program
  ///   that watches the listener must look away until it has closed something.
  public borrowing func accept() throws(Errno) -> FileDescriptor? {
    let listener = rawValue
    while true {
      let connection = clinux_accept(listener)
      if connection >= 0 { return FileDescriptor(owning: connection) }
      let error = Errno.current
      if error == .wouldBlock { return nil }
      // Who has gone away again is no reason to stop.
      if error != .interrupted, error.rawValue != ECONNABORTED { throw error }
    }
  }
}

/// Who is at the other end of a local socket.
public struct PeerCredentials: Sendable {
  public let process: Int32
  public let user: UInt32
  public let group: UInt32

  public init(process: Int32, user: UInt32, group: UInt32) {
    self.process = process
    self.user = user
    self.group = group
  }
}

extension FileDescriptor {
  /// Connects to the local socket at a path. The descriptor does not block.
  ///
  /// - Throws: `.timedOut` where the deadline passes before the listener has room, `.interrupted`.
  public init(connectingToLocal path: Path, until deadline: Int64) throws(Errno) {
    guard let place = SocketPath(path) else { throw .nameTooLong }
    let connection = FileDescriptor(owning: try result { newSocket() })
    let number = connection.rawValue
    // A full queue of connections can't be waited for without blocking.
    let wakeup = try retry(until: deadline, attending: Attending()) { () throws(Errno) in
      try connectSocket(number, place)
    }
    switch wakeup {
    case .ready: self = connection
    case .timedOut: throw .timedOut
    case .interrupted: throw .interrupted
    }
  }

  /// Who connected, or listened, at the other end; nil where this is no local socket.
  ///
  /// The corresponding socket option is `SO_PEERCRED`.
  public var peerCredentials: PeerCredentials? {
    var peer = ucred()
    var length = socklen_t(MemoryLayout<ucred>.size)
    guard unsafe getsockopt(rawValue, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0, peer.pid != 0
    else {
      return nil
    }
    return PeerCredentials(process: peer.pid, user: peer.uid, group: peer.gid)
  }
}

/// A path that fits into a socket's address, with its zero.
private struct SocketPath {
  private var terminated = Text<108>()

  init?(_ path: borrowing Path) {
    guard path.bytes.count <= LocalListener.longestPath else { return nil }
    terminated.append(path.bytes)
    terminated.append(0)
  }

  func withCString(_ body: (UnsafePointer<CChar>) -> Int32) throws(Errno) {
    let failed = unsafe terminated.bytes.withUnsafeBytes { bytes in
      unsafe body(bytes.baseAddress!.assumingMemoryBound(to: CChar.self)) != 0
    }
    if failed { throw .current }
  }

  /// What the kernel says about what is there.
  func status() throws(Errno) -> FileStatus {
    try unsafe terminated.bytes.withUnsafeBytes { (bytes) throws(Errno) in
      unsafe try FileStatus(
        of: bytes.baseAddress!.assumingMemoryBound(to: CChar.self), in: AT_FDCWD)
    }
  }
}

/// Makes the socket's directory with mode 0755 where it is missing, whatever the umask: who may
/// connect is the socket's mode to say.
private func makeParent(_ path: Path) throws(LocalSocketError) {
  let directory = path.directory
  do {
    try makeParentDirectories(directory)
    guard try makeDirectory(directory, mode: 0o755) else { return }
    try unsafe directory.withCString { (directory) throws(Errno) in
      _ = try result { unsafe chmod(directory, 0o755) }
    }
  } catch {
    throw .directory(error)
  }
}

/// Removes a socket that nobody listens on, as it stays behind when a program is killed.
private func clearWay(_ path: SocketPath) throws(LocalSocketError) {
  switch probe(path) {
  case .missing: return
  case .stale: break
  case .failed(let error): throw error
  }
  do {
    try unsafe path.withCString { unsafe unlink($0) }
  } catch {
    if error != .noSuchFile { throw .socket(error) }
  }
}

/// What is found where a socket is to be.
private enum Occupant {
  case missing
  case stale
  case failed(LocalSocketError)
}

private func probe(_ path: SocketPath) -> Occupant {
  do {
    if try !path.status().isSocket { return .failed(.notSocket) }
    let number = try result { newSocket() }
    let socket = FileDescriptor(owning: number)
    try connectSocket(socket.rawValue, path)
    return .failed(.inUse)
  } catch {
    switch error.rawValue {
    case ENOENT: return .missing
    case ECONNREFUSED: return .stale
    // Its queue of connections is full.
    case EAGAIN: return .failed(.inUse)
    default: return .failed(.socket(error))
    }
  }
}

private func newSocket() -> Int32 {
  let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
  return socket(AF_UNIX, type, 0)
}

private func connectSocket(_ socket: Int32, _ path: SocketPath) throws(Errno) {
  try unsafe path.withCString { unsafe clinux_connect_local(socket, $0) }
}

private func bindSocket(
  to path: SocketPath, mode: UInt32
) throws(LocalSocketError) -> FileDescriptor {
  do {
    let socket = FileDescriptor(owning: try result { newSocket() })
    let number = socket.rawValue
    // The file that bind(2) makes gets the socket's mode, less the umask.
    try socket.setMode(mode)
    let mask = umask(0)
    defer { umask(mask) }
    try unsafe path.withCString { unsafe clinux_bind_local(number, $0) }
    return socket
  } catch {
    throw error.rawValue == EADDRINUSE ? .inUse : .socket(error)
  }
}

/// Nobody can connect before the socket listens, and by then it is in the right hands.
private func listen(
  on socket: Int32, at path: SocketPath, group: UInt32?
) throws(LocalSocketError) -> FileStatus {
  do {
    let identity = try path.status()
    if let group { try unsafe path.withCString { unsafe lchown($0, ~0, gid_t(group)) } }
    _ = try result { CLinux.listen(socket, 64) }
    return identity
  } catch {
    try? unsafe path.withCString { unsafe unlink($0) }
    throw group == nil ? .socket(error) : .group(error)
  }
}

private func removeOwn(_ path: SocketPath, _ identity: FileStatus) {
  do {
    guard try path.status().isSameFile(as: identity) else { return }
    try unsafe path.withCString { unsafe unlink($0) }
  } catch {}
}
