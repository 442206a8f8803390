import Bytes
import Foundation
import Linux
import OAuth
import Simulation
import Testing
import TokenStore

private let sample = Sample("x")

/// Tokens that others could have put there, or taken, are not used.
@Suite struct ExposureTests {
  private let place = Place()

  private func loadWithMode(_ mode: mode_t) throws -> Loaded {
    let store = try place.store("tokens.json")
    #expect(save(sample, in: store) == nil)
    #expect(chmod("\(place.name)/tokens.json", mode) == 0)
    return load(store)
  }

  @Test(arguments: [0o600, 0o400, 0o700] as [mode_t])
  func whatIsTheOwnersAloneIsLoaded(mode: mode_t) throws {
    #expect(try loadWithMode(mode) == .record(sample))
  }

  @Test(
    arguments: [
      0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o660, 0o666, 0o777, 0o440,
    ] as [mode_t])
  func whatOthersCanGetAtIsRefused(mode: mode_t) throws {
    guard case .failed(let words) = try loadWithMode(mode) else {
      Issue.record("loaded")
      return
    }
    let octal = String(mode, radix: 8)
    #expect(
      words
        == "other users can get at it, its mode is 0\(octal): sign in again if they may have, "
        + "else chmod 600 it; on vfat, mount with umask=077")
    // The remedy helps.
    #expect(chmod("\(place.name)/tokens.json", 0o600) == 0)
    #expect(load(try place.store("tokens.json")) == .record(sample))
  }

  @Test func theRemedyOfSigningInAgainHelps() throws {
    _ = try loadWithMode(0o644)
    let store = try place.store("tokens.json")
    #expect(save(Sample("new"), in: store) == nil)
    #expect(load(store) == .record(Sample("new")))
    #expect(place.mode("tokens.json") == 0o600)
  }

  @Test(.enabled(if: geteuid() == 0, "takes root")) func anotherUsersFileIsRefused() throws {
    let store = try place.store("tokens.json")
    #expect(save(sample, in: store) == nil)
    #expect(chown("\(place.name)/tokens.json", 4321, 0) == 0)
    #expect(
      load(store)
        == .failed(
          "it belongs to user 4321: run this as that user, or give the file to this one with chown"
        ))
  }

  @Test func aLinkIsNotReadThrough() throws {
    let store = try place.store("tokens.json")
    #expect(save(sample, in: store) == nil)
    #expect(rename("\(place.name)/tokens.json", "\(place.name)/elsewhere") == 0)
    #expect(symlink("elsewhere", "\(place.name)/tokens.json") == 0)
    #expect(load(store) == .damaged)
  }

  @Test func whatIsNoRecordIsSetAsideWhoeverCanReadIt() throws {
    place.write("tokens.json", "{\"acc")
    #expect(chmod("\(place.name)/tokens.json", 0o666) == 0)
    let store = try place.store("tokens.json")
    #expect(load(store) == .damaged)
    try store.setDamagedAside()
    #expect(load(store) == .nothing)
  }

  @Test(arguments: [Exposure.owner(7), .mode(0o644)])
  func anExposedRecordLeavesNothingInMemory(exposure: Exposure) {
    let disk = SimulatedDisk(["tokens.json": file(sample)])
    disk.exposures["tokens.json"] = exposure
    let memory = Memory()
    defer { memory.free() }
    var record = memory.record()
    var scratch = memory.scratch()
    var thrown = false
    do throws(TokenStoreError) {
      _ = try store(on: disk).load(&record, scratch: &scratch)
    } catch {
      if case .exposed(exposure) = error { thrown = true }
    }
    let isEmpty = record.isEmpty && record.tokens.refreshToken.isEmpty && scratch.isEmpty
    #expect(thrown && isEmpty)
    // The file itself is left alone.
    #expect(disk.contents == ["tokens.json": file(sample)])
  }

  /// Where a client's secret is sent is no stranger's to say: the very file that was read is
  /// judged, not what its name leads to by then.
  @Test(arguments: [Exposure.owner(7), .mode(0o644), nil])
  func aNoteIsBelievedThatIsNobodyElses(exposure: Exposure?) {
    let disk = SimulatedDisk(["tokens.json.metadata": Array("{}".utf8)])
    disk.exposures["tokens.json.metadata"] = exposure
    let memory = Memory()
    defer { memory.free() }
    var buffer = memory.scratch()
    #expect(store(on: disk).load(.metadata, into: &buffer) == (exposure == nil))
  }

  @Test func whatIsReadIsWhatIsJudged() throws {
    place.write("mine", "mine")
    #expect(chmod("\(place.name)/mine", 0o604) == 0)
    let memory = Memory()
    defer { memory.free() }
    var buffer = memory.scratch()
    let directory = try Directory(opening: place.path("mine").directory)
    let read = try directory.read(Path("mine"), into: &buffer)
    #expect(read.mode == 0o604 && read.owner == geteuid())
    #expect(read == (try directory.status(of: Path("mine"))))
    // A link is not what it leads to.
    #expect(symlink("mine", "\(place.name)/link") == 0)
    #expect(try !directory.status(of: Path("link")).isSameFile(as: read))
  }

  @Test func onlyTheRecordItselfIsLookedAt() {
    let disk = SimulatedDisk(["tokens.json": file(sample), "tokens.json.previous": file(sample)])
    for name in ["tokens.json.previous", "tokens.json.name", "tokens.json.new"] {
      disk.exposures[name] = .mode(0o666)
    }
    #expect(load(store(on: disk)) == .record(sample))
    disk.exposures["tokens.json"] = .mode(0o666)
    #expect(load(store(on: SimulatedDisk())) == .nothing)
  }
}
