import Bytes
import Foundation
import Linux
import TestSupport
import Testing

private func status(_ path: String) -> stat? {
  var status = stat()
  return lstat(path, &status) == 0 ? status : nil
}

private func permissions(_ path: String) -> mode_t? {
  status(path).map { $0.st_mode & 0o777 }
}

// One after the other: the umask is the whole process's.
@Suite(.serialized) struct LocalSocketTests {
  private let directory = TemporaryDirectory()

  private var later: Int64 { Clock.milliseconds + 60000 }

  private func listen(
    _ name: String = "socket", mode: UInt32 = 0o600, group: UInt32? = nil
  ) throws(LocalSocketError) -> LocalListener {
    try LocalListener(at: directory.path(name), mode: mode, group: group)
  }

  private func connect(_ name: String = "socket") throws(Errno) -> FileDescriptor {
    try FileDescriptor(connectingToLocal: directory.path(name), until: Clock.milliseconds + 50)
  }

  private func listenFailure(_ name: String = "socket") -> LocalSocketError? {
    do {
      _ = try listen(name)
      return nil
    } catch {
      return error
    }
  }

  private func connectFailure(_ name: String = "socket") -> Errno? {
    failure { () throws(Errno) in _ = try connect(name) }
  }

  /// Leaves a socket that nobody listens on.
  private func leaveStale() throws {
    do {
      let listener = try listen()
      try directory.path("socket").rename(to: directory.path("aside"))
      _ = consume listener
    }
    try directory.path("aside").rename(to: directory.path("socket"))
    #expect(connectFailure() == Errno(rawValue: ECONNREFUSED))
  }

  @Test func whatIsSaidIsHeard() throws {
    let listener = try listen()
    #expect(!isReadable(listener.rawValue))
    let early = try listener.accept() != nil
    #expect(!early)
    let client = try connect()
    #expect(isReadable(listener.rawValue))
    guard let server = try listener.accept() else {
      Issue.record("nobody there")
      return
    }
    try client.write(text: "token\n")
    #expect(try server.readAvailable() == "token\n")
    try server.write(text: "ok\n")
    #expect(try client.readAvailable() == "ok\n")
    for descriptor in [listener.rawValue, client.rawValue, server.rawValue] {
      #expect(fcntl(descriptor, F_GETFD) == FD_CLOEXEC)
      #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
    }
    let again = try listener.accept() != nil
    #expect(!again)
  }

  @Test func thePeerIsKnown() throws {
    let listener = try listen()
    let client = try connect()
    guard let server = try listener.accept() else {
      Issue.record("nobody there")
      return
    }
    for peer in [server.peerCredentials, client.peerCredentials] {
      #expect(peer?.process == getpid())
      #expect(peer?.user == geteuid())
      #expect(peer?.group == getegid())
    }
    let pipe = Pipe()
    #expect(pipe.reader.peerCredentials == nil)
  }

  @Test(arguments: [0o600, 0o660, 0o666] as [UInt32])
  func theModeIsAsWanted(mode: UInt32) throws {
    let listener = try listen(mode: mode)
    #expect(permissions("\(directory.name)/socket") == mode)
    _ = consume listener
  }

  @Test func theGroupIsAsWanted() throws {
    // Another group than ours takes the rights of root.
    let group = geteuid() == 0 ? 1 : getegid()
    let listener = try listen(mode: 0o660, group: group)
    #expect(status("\(directory.name)/socket")?.st_gid == group)
    #expect(permissions("\(directory.name)/socket") == 0o660)
    _ = consume listener
  }

  @Test func itsDirectoryIsMade() throws {
    let listener = try listen("run/devicegrant/token.sock")
    #expect(permissions("\(directory.name)/run/devicegrant") == 0o755)
    #expect(connectFailure("run/devicegrant/token.sock") == nil)
    _ = consume listener
    let file = try FileDescriptor(
      opening: directory.path("file"), .writeOnly | .create, mode: 0o600)
    #expect(listenFailure("file/token.sock") == .socket(.notDirectory))
    #expect(listenFailure("file/run/token.sock") == .directory(.notDirectory))
    _ = consume file
  }

  @Test func aStaleSocketIsReplaced() throws {
    try leaveStale()
    let listener = try listen()
    #expect(connectFailure() == nil)
    _ = consume listener
  }

  @Test func aLiveSocketIsLeftAlone() throws {
    let listener = try listen()
    #expect(listenFailure() == .inUse)
    #expect(connectFailure() == nil)
    _ = consume listener
  }

  @Test func aFileThatIsNoSocketIsLeftAlone() throws {
    let file = try FileDescriptor(
      opening: directory.path("socket"), .writeOnly | .create, mode: 0o600)
    try file.write(text: "precious")
    #expect(listenFailure() == .notSocket)
    #expect(directory.content(of: "socket") == "precious")
    try FileManager.default.createSymbolicLink(
      atPath: "\(directory.name)/link", withDestinationPath: "none")
    #expect(listenFailure("link") == .notSocket)
  }

  @Test func theSocketGoesWithItsListener() throws {
    do { _ = try listen() }
    #expect(status("\(directory.name)/socket") == nil)
    #expect(connectFailure() == .noSuchFile)
  }

  @Test func aSuccessorsSocketStays() throws {
    let first = try listen()
    try directory.path("socket").remove()
    let second = try listen()
    _ = consume first
    #expect(connectFailure() == nil)
    _ = consume second
  }

  @Test func aPathHasALimit() throws {
    let room = 107 - directory.name.utf8.count - 1
    let listener = try listen(String(repeating: "s", count: room))
    #expect(connectFailure(String(repeating: "s", count: room)) == nil)
    _ = consume listener
    #expect(listenFailure(String(repeating: "s", count: room + 1)) == .pathTooLong)
    #expect(connectFailure(String(repeating: "s", count: room + 1)) == .nameTooLong)
  }

  /// Connects until there is no more room.
  private func fill() -> [Int32] {
    var clients: [Int32] = []
    while clients.count < 1000 {
      do {
        let client = try FileDescriptor(
          connectingToLocal: directory.path("socket"), until: 0)
        clients.append(dup(client.rawValue))
      } catch {
        #expect(error == .timedOut)
        break
      }
    }
    return clients
  }

  @Test func aClientWaitsForRoom() throws {
    let listener = try listen()
    let clients = fill()
    defer { for client in clients { close(client) } }
    #expect((1..<1000).contains(clients.count))
    #expect(listenFailure() == .inUse)
    #expect(connectFailure() == .timedOut)
    let number = listener.rawValue
    let thread = Thread {
      usleep(50000)
      close(accept(number, __SOCKADDR_ARG(__sockaddr__: nil), nil))
    }
    thread.start()
    let path = directory.path("socket")
    let start = Clock.milliseconds
    #expect(
      failure { () throws(Errno) in
        _ = try FileDescriptor(connectingToLocal: path, until: later)
      } == nil)
    #expect(Clock.milliseconds - start >= 40)
    _ = consume listener
  }

  @Test(
    arguments: [
      (.inUse, "another program listens there"), (.notSocket, "there is a file that is no socket"),
      (.directory(.accessDenied), "its directory can't be made: Permission denied"),
      (.group(.notPermitted), "it can't be handed to its group: Operation not permitted"),
      (.pathTooLong, "its path is longer than 107 bytes"),
      (.socket(.accessDenied), "Permission denied"),
    ] as [(LocalSocketError, String)])
  func anErrorInWords(error: LocalSocketError, expected: String) {
    var text = Text<100>()
    text.append(error)
    #expect(string(text) == expected)
  }
}

@Suite struct GroupTests {
  @Test(
    arguments: [
      ("root", 0), ("0", 0), ("1234", 1234), ("4294967294", 4_294_967_294), ("4294967295", nil),
      ("no such group", nil), ("", nil), ("-1", nil),
    ] as [(String, UInt32?)])
  func aGroupHasANumber(name: String, number: UInt32?) {
    let bytes = Array(name.utf8)
    #expect(Group.number(named: bytes.span) == number)
  }

  @Test func aFileIsHandedToAGroup() throws {
    let directory = TemporaryDirectory()
    let group = geteuid() == 0 ? 1 : getegid()
    let file = try FileDescriptor(
      opening: directory.path("file"), .writeOnly | .create, mode: 0o640)
    try file.setGroup(group)
    #expect(status("\(directory.name)/file")?.st_gid == group)
    #expect(status("\(directory.name)/file")?.st_uid == geteuid())
  }
}
