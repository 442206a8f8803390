import Bytes
import Linux
import OAuth
import Simulation
import TestSupport
import Testing
import TokenStore

private let old = Sample("old")
private let new = Sample("new")

private func setAside(
  _ disk: SimulatedDisk, mayMove: Bool = false, person: Int64? = nil
) throws -> TokenStore<SimulatedDisk>.Contents {
  var last: UInt32 = 0
  return try setAside(disk, mayMove: mayMove, person: person, last: &last)
}

private func setAside(
  _ disk: SimulatedDisk, mayMove: Bool = false, person: Int64? = nil, last: inout UInt32
) throws -> TokenStore<SimulatedDisk>.Contents {
  let memory = Memory()
  defer { memory.free() }
  var scratch = memory.scratch()
  return try store(on: disk).setAside(
    person: person, mayMove: mayMove, last: &last, scratch: &scratch)
}

/// The refresh tokens that wait, by their places.
private func waiting(_ disk: SimulatedDisk) -> [Int: String] {
  let memory = Memory()
  defer { memory.free() }
  var record = memory.record()
  var scratch = memory.scratch()
  var found: [Int: String] = [:]
  for place in 0..<TokenStore<SimulatedDisk>.places {
    let contents = try? store(on: disk).load(waiting: place, &record, scratch: &scratch)
    if contents == .record { found[place] = string(record.tokens.refreshToken.bytes) }
  }
  return found
}

@Suite struct WaitingTests {
  @Test func whatWaitsIsTheRefreshTokenAndWhoseItIs() throws {
    let disk = SimulatedDisk(["tokens.json": file(old)])
    #expect(try setAside(disk, person: 7) == .record)
    let text = String(decoding: disk.contents["tokens.json.revoke0"]!, as: UTF8.self)
    #expect(
      text == """
        {"refresh_token":"refresh-old","token_endpoint":"https://as.example/token",\
        "client_id":"board","person":7}

        """)
    #expect(waiting(disk) == [0: "refresh-old"])
    #expect(load(store(on: disk)) == .record(old))
  }

  @Test func aWaitingTokenIsNoRecord() throws {
    let disk = SimulatedDisk(["tokens.json": file(old)])
    #expect(try setAside(disk) == .record)
    let aside = disk.contents["tokens.json.revoke0"]!
    #expect(load(store(on: SimulatedDisk(["tokens.json": aside]))) == .damaged)
  }

  @Test func withoutARefreshTokenItIsTheOther() throws {
    var sample = old
    sample.refreshToken = ""
    let disk = SimulatedDisk(["tokens.json": file(sample)])
    #expect(try setAside(disk) == .record)
    let text = String(decoding: disk.contents["tokens.json.revoke0"]!, as: UTF8.self)
    #expect(text.hasPrefix(#"{"access_token":"access-old","expires_at":1800000000,"#))
    #expect(waiting(disk) == [0: ""])
  }

  @Test(arguments: [[], Array("{".utf8), Array("{}".utf8), Array(#"{"access_token":"\n"}"#.utf8)])
  func whatHoldsNoTokenIsDamaged(bytes: [UInt8]) throws {
    let disk = SimulatedDisk(["tokens.json": bytes])
    #expect(try setAside(disk, mayMove: true) == .damaged)
    #expect(waiting(disk).isEmpty)
    #expect(try setAside(SimulatedDisk()) == .nothing)
  }

  @Test func aStrangersRecordIsSetAsideForTheStranger() throws {
    let disk = SimulatedDisk(["tokens.json": file(old)])
    disk.exposures["tokens.json"] = .owner(4711)
    #expect(try setAside(disk) == .record)
    #expect(disk.owners == [Array("tokens.json.new".utf8): 4711])
  }

  @Test func thereArePlacesForFourAndTheOldestGoesFirst() throws {
    let disk = SimulatedDisk()
    for number in 0..<6 {
      disk.unixSeconds = Int64(number)
      #expect(save(Sample("\(number)"), in: store(on: disk)) == nil)
      #expect(try setAside(disk) == .record)
    }
    #expect(
      waiting(disk) == [0: "refresh-4", 1: "refresh-5", 2: "refresh-2", 3: "refresh-3"])
    #expect(store(on: disk).waiting == 4)
    try store(on: disk).erase(keepsWaiting: true)
    #expect(waiting(disk).count == 4)
    try store(on: disk).remove(waiting: 1)
    #expect(waiting(disk).keys.sorted() == [0, 2, 3])
    try store(on: disk).erase()
    #expect(waiting(disk).isEmpty)
  }

  @Test func whatWasSetAsideIsNotSetAsideAgain() throws {
    let disk = SimulatedDisk(["tokens.json": file(old)])
    var last: UInt32 = 0
    for _ in 0..<3 { #expect(try setAside(disk, last: &last) == .record) }
    #expect(waiting(disk) == [0: "refresh-old"])
    #expect(save(new, in: store(on: disk)) == nil)
    #expect(try setAside(disk, last: &last) == .record)
    #expect(waiting(disk) == [0: "refresh-old", 1: "refresh-new"])
  }

  @Test func aCutAnywhereLeavesTheGrantOrWhatWaits() throws {
    let beginning = ["tokens.json": file(old), "tokens.json.previous": file(new)]
    func signOut(_ disk: SimulatedDisk) throws {
      _ = try setAside(disk, mayMove: true)
      try store(on: disk).erase(keepsWaiting: true)
    }
    let whole = SimulatedDisk(beginning)
    try signOut(whole)
    for cut in 0..<whole.steps {
      let disk = SimulatedDisk(beginning)
      disk.cut = cut
      #expect(throws: TokenStoreError.self) { try signOut(disk) }
      for found in disk.afterPowerCut() {
        let isGrant = load(store(on: found)) == .record(old)
        #expect(isGrant || waiting(found).values.contains("refresh-old"), "cut before step \(cut)")
      }
    }
  }

  @Test func whatCannotBeWrittenIsMovedWhereThatIsAllowed() throws {
    for mayMove in [false, true] {
      let disk = SimulatedDisk(["tokens.json": file(old)])
      disk.failure = (1, Errno(rawValue: 28))
      let contents = try? setAside(disk, mayMove: mayMove)
      #expect(contents == (mayMove ? .record : nil))
      #expect(waiting(disk) == (mayMove ? [0: "refresh-old"] : [:]))
      #expect(load(store(on: disk)) == (mayMove ? .nothing : .record(old)))
    }
  }
}
