import Bytes
import Foundation
import Linux
import TestSupport
import Testing

private typealias Variables = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// What `body` makes of an environment with these variables beside the process's own.
///
/// The list is replaced, not changed, and never freed: other tests may be reading it.
private func with<Result>(_ added: [String], _ body: () -> Result) -> Result {
  let symbol = dlsym(nil, "environ")!
  let environment = symbol.assumingMemoryBound(to: Variables.self)
  let old = environment.pointee
  var count = 0
  while old[count] != nil { count += 1 }
  let new = Variables.allocate(capacity: count + added.count + 1)
  for (index, variable) in added.enumerated() { new[index] = strdup(variable) }
  for index in 0...count { new[added.count + index] = old[index] }
  environment.pointee = new
  defer { environment.pointee = old }
  return body()
}

/// A service manager's end of the protocol.
private final class Manager {
  let directory = TemporaryDirectory()
  let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)

  /// - Parameter name: of a socket in the directory; nil for one in the abstract name space.
  init(abstract name: String? = nil) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = name.map { [0] + Array($0.utf8) } ?? Array("\(path)".utf8)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    let isBound = withUnsafePointer(to: &address) {
      bind(descriptor, __CONST_SOCKADDR_ARG(__sockaddr_un__: $0), length)
    }
    precondition(isBound == 0)
  }

  deinit {
    close(descriptor)
  }

  var path: String { "\(directory.name)/notify" }

  /// The datagrams that have come so far.
  func received() -> [String] {
    var datagrams: [String] = []
    var bytes = [UInt8](repeating: 0, count: 200)
    while true {
      let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
      if count < 0 { return datagrams }
      datagrams.append(String(decoding: bytes[..<count], as: UTF8.self))
    }
  }
}

// One after the other: the environment is the whole process's.
@Suite(.serialized) struct ServiceManagerTests {
  private func client(_ variables: [String]) -> ServiceManager {
    with(variables) { ServiceManager() }
  }

  @Test func readinessIsSaidOnce() {
    let manager = Manager()
    var client = client(["NOTIFY_SOCKET=\(manager.path)"])
    #expect(manager.received() == [])
    client.ready()
    client.ready()
    #expect(manager.received() == ["READY=1"])
    // It wants no signs of life.
    #expect(client.ping(now: 1_000_000) == nil)
    #expect(manager.received() == [])
  }

  @Test func theAbstractNameSpaceIsReached() {
    let name = "devicegrant.\(UUID().uuidString)"
    let manager = Manager(abstract: name)
    var client = client(["NOTIFY_SOCKET=@\(name)"])
    client.ready()
    #expect(manager.received() == ["READY=1"])
  }

  @Test func signsOfLifeComeTwiceAsOftenAsAskedFor() {
    let manager = Manager()
    var client = client(["NOTIFY_SOCKET=\(manager.path)", "WATCHDOG_USEC=10000000"])
    var now: Int64 = 1_000_000
    #expect(client.ping(now: now) == now + 5000)
    #expect(manager.received() == ["WATCHDOG=1"])
    // Asked again too early, it gives none; an earlier deadline stays.
    #expect(client.ping(now: now + 4999) == now + 5000)
    #expect(manager.received() == [])
    for _ in 0..<10 {
      now = client.ping(now: now) ?? 0
      _ = client.ping(now: now)
    }
    #expect(now == 1_050_000)
    #expect(manager.received() == Array(repeating: "WATCHDOG=1", count: 10))
    // After a sleep of the whole board the next is as far away as ever.
    #expect(client.ping(now: now + 3_600_000) == now + 3_605_000)
  }

  @Test(arguments: ["0", "1", "1999"])
  func aDemandWithoutSenseIsNoEndlessLoop(limit: String) {
    let manager = Manager()
    var client = client(["NOTIFY_SOCKET=\(manager.path)", "WATCHDOG_USEC=\(limit)"])
    #expect(client.ping(now: 5000) == 5001)
  }

  @Test(arguments: ["soon", "-5", "99999999999999999999"])
  func aDemandThatIsNoNumberIsNone(limit: String) {
    let manager = Manager()
    var client = client(["NOTIFY_SOCKET=\(manager.path)", "WATCHDOG_USEC=\(limit)"])
    #expect(client.ping(now: 5000) == nil)
    #expect(manager.received() == [])
  }

  @Test(arguments: [
    [], ["NOTIFY_SOCKET="], ["NOTIFY_SOCKET=/nowhere/at/all"],
    ["NOTIFY_SOCKET=/" + String(repeating: "n", count: 200)], ["WATCHDOG_USEC=1000000"],
  ])
  func withoutAManagerNothingHappens(variables: [String]) {
    var client = client(variables)
    client.ready()
    #expect(client.ping(now: 5000) == nil)
  }
}
