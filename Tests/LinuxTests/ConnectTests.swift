import Bytes
import Foundation
import TestSupport
import Testing

@testable import Linux

/// A socket on a loopback address: one that listens, one that refuses, or one that is silent since
/// its queue is full.
private final class Place {
  enum Manner { case answers, refuses, silent }

  /// The 28 bytes of a `SocketAddress`.
  let address: [UInt8]
  private var sockets: [Int32] = []

  init(_ last: UInt8, _ manner: Manner) {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(bigEndian: 0x7F00_0000 | UInt32(last))
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let pointer = withUnsafeMutablePointer(to: &name) {
      UnsafeMutableRawPointer($0).assumingMemoryBound(to: sockaddr.self)
    }
    precondition(bind(listener, __CONST_SOCKADDR_ARG(__sockaddr__: pointer), length) == 0)
    precondition(getsockname(listener, __SOCKADDR_ARG(__sockaddr__: pointer), &length) == 0)
    address = withUnsafeBytes(of: name) { Array($0) } + [UInt8](repeating: 0, count: 12)
    sockets.append(listener)
    if manner != .refuses { precondition(listen(listener, manner == .silent ? 0 : 8) == 0) }
    guard manner == .silent else { return }
    for _ in 0..<3 {
      let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
      _ = Glibc.connect(filler, __CONST_SOCKADDR_ARG(__sockaddr__: pointer), length)
      sockets.append(filler)
    }
  }

  deinit {
    for socket in sockets { close(socket) }
  }
}

/// What came of connecting in that order, and after how many milliseconds.
private func outcome(
  _ places: [Place], within limit: Int64 = 20000
) -> (place: Int?, words: String, elapsed: Int64) {
  var list = AddressList()
  withUnsafeMutableBytes(of: &list) { bytes in
    // Behind a code, the count and the addresses.
    bytes[4] = UInt8(places.count)
    for (index, place) in places.enumerated() {
      bytes[(8 + 28 * index)...].copyBytes(from: place.address)
    }
  }
  var address = SocketAddress()
  let start = Clock.milliseconds
  do {
    _ = try connect(to: &list, answering: &address, until: start + limit, attending: Attending())
  } catch {
    var words = Text<128>()
    words.append(error)
    return (nil, string(words), Clock.milliseconds - start)
  }
  let answered = withUnsafeBytes(of: address) { Array($0) }
  let place = places.firstIndex { $0.address == answered }
  return (place, "", Clock.milliseconds - start)
}

@Suite struct ConnectTests {
  @Test func theFirstThatAnswersIsTaken() {
    let found = outcome([Place(1, .answers), Place(2, .answers)])
    #expect(found.place == 0)
    #expect(found.elapsed < 250)
  }

  @Test func oneThatRefusesCostsNothing() {
    let found = outcome([Place(1, .refuses), Place(2, .refuses), Place(3, .answers)])
    #expect(found.place == 2)
    #expect(found.elapsed < 250)
  }

  @Test func silentOnesCostAQuarterOfASecondEach() {
    let found = outcome([Place(1, .silent), Place(2, .silent), Place(3, .answers)])
    #expect(found.place == 2)
    #expect(found.elapsed >= 500)
    #expect(found.elapsed < 2000)
  }

  @Test func sixteenAddressesAreTried() {
    let silent = (1...15).map { Place($0, .silent) }
    let found = outcome(silent + [Place(16, .answers)])
    #expect(found.place == 15)
    #expect(found.elapsed < 8000)
  }

  @Test func whenAllRefuseTheLastIsSaid() {
    let found = outcome([Place(1, .refuses), Place(2, .refuses)])
    #expect(found.words == "connection failed: Connection refused")
  }

  @Test func theDeadlineEndsAll() {
    let found = outcome([Place(1, .refuses), Place(2, .silent), Place(3, .silent)], within: 600)
    #expect(found.words == "connection failed: no answer in time")
    #expect(found.elapsed >= 600)
    #expect(found.elapsed < 2000)
  }

  @Test func nothingIsLeftOpen() throws {
    let places = [Place(1, .silent), Place(2, .refuses)]
    func count() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }
    // Other suites run meanwhile: what is left would grow with the rounds.
    let before = try count()
    for _ in 0..<200 { _ = outcome(places, within: 5) }
    #expect(try count() < before + 150)
  }
}
