import Foundation
import Linux
import Testing
import TokenStore

/// Lets a lock go when something is there to be read.
private struct Holder: ~Copyable {
  var lock: FileLock?
  let waker: Int32

  mutating func attend() -> Bool {
    var byte: UInt8 = 0
    let isEmpty = read(waker, &byte, 1) != 1
    lock = nil
    return isEmpty
  }

  var attending: Attending {
    @_lifetime(&self)
    mutating get {
      let waker = waker
      return Attending(&self, descriptor: waker) { context in
        context!.assumingMemoryBound(to: Holder.self).pointee.attend()
      }
    }
  }
}

/// Two stores are two processes here: each has its own handles, which is what the lock goes by.
@Suite(.timeLimit(.minutes(1))) struct LockTests {
  private let place = Place()

  private var soon: Int64 { Clock.milliseconds + 30 }
  private var later: Int64 { Clock.milliseconds + 60000 }

  /// The error in words; nil where the lock was taken, and let go again.
  private func failure(
    _ store: borrowing TokenStore<Directory>, until deadline: Int64,
    attending: Attending = Attending()
  ) -> String? {
    do {
      let lock = try store.lock(until: deadline, attending: attending)
      lock.release()
      return nil
    } catch {
      return words(error)
    }
  }

  private func lock(
    _ store: borrowing TokenStore<Directory>
  ) throws(TokenStoreError) -> FileLock {
    try store.lock(until: later, attending: Attending())
  }

  @Test func oneAtATime() throws {
    let first = try place.store("tokens.json")
    let second = try place.store("tokens.json")
    let lock = try lock(first)
    #expect(failure(second, until: soon) == "another process has kept it locked all the time")
    #expect(failure(first, until: soon) == "another process has kept it locked all the time")
    lock.release()
    #expect(failure(second, until: later) == nil)
    _ = consume lock
  }

  @Test func theLockGoesWithItsHolder() throws {
    let first = try place.store("tokens.json")
    let second = try place.store("tokens.json")
    do { _ = try lock(first) }
    #expect(failure(second, until: later) == nil)
  }

  @Test func whoWaitsGetsItInTheEnd() throws {
    let second = try place.store("tokens.json")
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    #expect(write(ends[1], "x", 1) == 1)
    var holder = Holder(lock: try lock(try place.store("tokens.json")), waker: ends[0])
    // In the midst of the wait the other one lets it go.
    #expect(failure(second, until: later, attending: holder.attending) == nil)
  }

  @Test func anInterruptEndsTheWait() throws {
    let first = try place.store("tokens.json")
    let second = try place.store("tokens.json")
    let lock = try lock(first)
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    #expect(write(ends[1], "x", 1) == 1)
    let attending = Attending(descriptor: ends[0])
    #expect(failure(second, until: later, attending: attending) == "interrupted by a signal")
    _ = consume lock
  }

  @Test func theLockIsNobodyElses() throws {
    let store = try place.store("tokens.json")
    #expect(failure(store, until: later) == nil)
    #expect(place.mode("tokens.json.lock") == 0o600)
    // Two token files of one directory have nothing to do with each other.
    let lock = try lock(store)
    #expect(failure(try place.store("others.json"), until: later) == nil)
    _ = consume lock
  }

  @Test func whatHoldsTheLockSavesLoadsAndErases() throws {
    let store = try place.store("tokens.json")
    let lock = try lock(store)
    #expect(save(Sample("one"), in: store) == nil)
    #expect(save(Sample("two"), in: store) == nil)
    #expect(load(store) == .record(Sample("two")))
    #expect(failure(try place.store("tokens.json"), until: soon) != nil)
    try store.erase()
    // If it went, two could hold locks on two files.
    #expect(place.names("") == ["tokens.json.lock"])
    #expect(FileManager.default.contents(atPath: "\(place.name)/tokens.json.lock") == Data())
    #expect(failure(try place.store("tokens.json"), until: soon) != nil)
    _ = consume lock
  }

  @Test func whatIsInTheLocksPlaceIsNotFollowed() throws {
    let store = try place.store("tokens.json")
    #expect(symlink("victim", "\(place.name)/tokens.json.lock") == 0)
    #expect(failure(store, until: later)?.hasPrefix("it can't be locked: ") == true)
    #expect(place.names("") == ["tokens.json.lock"])
    #expect(unlink("\(place.name)/tokens.json.lock") == 0)
    #expect(mkdir("\(place.name)/tokens.json.lock", 0o700) == 0)
    #expect(failure(store, until: later) == "it can't be locked: Is a directory")
  }
}
