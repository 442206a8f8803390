import Agent
import Bytes
import Linux
import TestSupport
import Testing

@testable import Board

/// What one process knows of another's refresh, by the note beside the token file.
@Suite struct KeeperTests {
  private let world = SmallWorld()

  /// A keeper with the record in the file loaded.
  private func loaded() throws -> Keeper<SmallWorld> {
    var keeper = try Keeper(
      creating: Plan(world).place, keeperMemory(), Log(world))
    let isThere = try keeper.load()
    #expect(isThere)
    return keeper
  }

  private func writeRecord() {
    world.write(
      "tokens.json",
      #"{"version":1,"access_token":"a","token_type":"Bearer","refresh_token":"r"}"#)
  }

  /// Waits for the lock with its time as good as over: the kernel's wait knows no virtual time.
  private func awaitInVain(_ keeper: inout Keeper<SmallWorld>) {
    world.milliseconds = Clock.milliseconds - Keeper<SmallWorld>.lockTime + 20
    keeper.awaitAnswer(attending: Attending())
  }

  /// Another process holds the lock from before it sends until it is answered.
  @Test func whatIsInFlightIsNotLost() throws {
    writeRecord()
    var other = try loaded()
    let lock = try other.lock(attending: Attending())
    try other.keepSent()
    var keeper = try loaded()
    awaitInVain(&keeper)
    let inFlight = keeper.lease().unanswered
    #expect(inFlight == nil)
    other.forgetSent()
    lock.release()
    let isThere = try keeper.load()
    #expect(isThere)
    keeper.awaitAnswer(attending: Attending())
    let answered = keeper.lease().unanswered
    #expect(answered == nil)
  }

  @Test func whatNobodyWaitsForIsLost() throws {
    writeRecord()
    var other = try loaded()
    try other.keepSent()
    var keeper = try loaded()
    keeper.awaitAnswer(attending: Attending())
    let lost = keeper.lease().unanswered
    #expect(lost?.count == 1)
  }

  /// Within one second the notes of two processes look the same.
  @Test func anothersNoteIsNotTakenForOnesOwn() throws {
    writeRecord()
    var keeper = try loaded()
    try keeper.keepSent()
    keeper.forgetSent()
    var other = try loaded()
    try other.keepSent()
    let isThere = try keeper.load()
    #expect(isThere)
    let hasUntold = keeper.hasUntold
    #expect(hasUntold)
  }

  /// Where the lock was not to be had, the next refresh finds out.
  @Test func whatIsNotKnownYetIsNotForgotten() throws {
    writeRecord()
    var other = try loaded()
    let lock = try other.lock(attending: Attending())
    try other.keepSent()
    var keeper = try loaded()
    awaitInVain(&keeper)
    lock.release()
    let isThere = try keeper.load()
    #expect(isThere)
    let hasUntold = keeper.hasUntold
    #expect(hasUntold)
  }
}
