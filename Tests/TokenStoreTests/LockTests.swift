import Foundation
import Linux
import Testing
import TokenStore

// A service has no context.
private nonisolated(unsafe) var held: FileLock?
private nonisolated(unsafe) var wakeup: Int32 = -1

/// Two stores are two processes here: each has its own handles, which is what the lock goes by.
@Suite(.timeLimit(.minutes(1))) struct LockTests {
  private let place = Place()

  private var later: Patience { Patience(deadline: Clock.milliseconds + 60000) }

  /// The error in words; nil where the lock was taken, and let go again.
  private func failure(
    _ store: borrowing TokenStore<Directory>, _ patience: Patience
  ) -> String? {
    do {
      let lock = try store.lock(patience)
      lock.release()
      return nil
    } catch {
      return words(error)
    }
  }

  @Test func oneAtATime() throws {
    let first = try place.store("tokens.json")
    let second = try place.store("tokens.json")
    let soon = Patience(deadline: Clock.milliseconds + 30)
    let lock = try first.lock(later)
    #expect(failure(second, soon) == "another process has kept it locked all the time")
    #expect(failure(first, soon) == "another process has kept it locked all the time")
    lock.release()
    #expect(failure(second, later) == nil)
    _ = consume lock
  }

  @Test func theLockGoesWithItsHolder() throws {
    let first = try place.store("tokens.json")
    let second = try place.store("tokens.json")
    do { _ = try first.lock(later) }
    #expect(failure(second, later) == nil)
  }

  @Test func whoWaitsGetsItInTheEnd() throws {
    let second = try place.store("tokens.json")
    held = try place.store("tokens.json").lock(later)
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    #expect(write(ends[1], "x", 1) == 1)
    wakeup = ends[0]
    // In the midst of the wait the other one lets it go.
    let served = Patience(deadline: later.deadline, interrupt: ends[0]) {
      var byte: UInt8 = 0
      held = nil
      return read(wakeup, &byte, 1) != 1
    }
    #expect(failure(second, served) == nil)
  }

  @Test func anInterruptEndsTheWait() throws {
    let first = try place.store("tokens.json")
    let second = try place.store("tokens.json")
    let lock = try first.lock(later)
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    #expect(write(ends[1], "x", 1) == 1)
    let patience = Patience(deadline: later.deadline, interrupt: ends[0])
    #expect(failure(second, patience) == "interrupted by a signal")
    _ = consume lock
  }

  @Test func theLockIsNobodyElses() throws {
    let store = try place.store("tokens.json")
    #expect(failure(store, later) == nil)
    #expect(place.mode("tokens.json.lock") == 0o600)
    // Two token files of one directory have nothing to do with each other.
    let lock = try store.lock(later)
    #expect(failure(try place.store("others.json"), later) == nil)
    _ = consume lock
  }

  @Test func whatHoldsTheLockSavesLoadsAndErases() throws {
    let store = try place.store("tokens.json")
    let lock = try store.lock(later)
    #expect(save(Sample("one"), in: store) == nil)
    #expect(save(Sample("two"), in: store) == nil)
    #expect(load(store) == .record(Sample("two")))
    let soon = Patience(deadline: Clock.milliseconds + 30)
    #expect(failure(try place.store("tokens.json"), soon) != nil)
    try store.erase()
    // If it went, two could hold locks on two files.
    #expect(place.names("") == ["tokens.json.lock"])
    #expect(FileManager.default.contents(atPath: "\(place.name)/tokens.json.lock") == Data())
    #expect(failure(try place.store("tokens.json"), soon) != nil)
    _ = consume lock
  }

  @Test func whatIsInTheLocksPlaceIsNotFollowed() throws {
    let store = try place.store("tokens.json")
    #expect(symlink("victim", "\(place.name)/tokens.json.lock") == 0)
    #expect(failure(store, later)?.hasPrefix("it can't be locked: ") == true)
    #expect(place.names("") == ["tokens.json.lock"])
    #expect(unlink("\(place.name)/tokens.json.lock") == 0)
    #expect(mkdir("\(place.name)/tokens.json.lock", 0o700) == 0)
    #expect(failure(store, later) == "it can't be locked: Is a directory")
  }
}
