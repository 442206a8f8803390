import Foundation
import Linux
import TestSupport
import Testing

@Suite struct DirectoryWatchTests {
  private let directory = TemporaryDirectory()
  private let token = makePath("tokens.json")

  private func write(_ name: String, _ content: String = "x") throws {
    let file = try FileDescriptor(
      opening: directory.path(name), .writeOnly | .create | .truncate, mode: 0o600)
    try file.write(text: content)
  }

  @Test func onlyTheNameCounts() throws {
    var watch = try DirectoryWatch(makePath(directory.name))
    #expect(watch.hasChanged(token) == false)
    for name in ["tokens.json.new", "tokens.jso", "x"] { try write(name) }
    #expect(isReadable(watch.rawValue))
    #expect(watch.hasChanged(token) == false)
    #expect(!isReadable(watch.rawValue))
    try write("tokens.json")
    #expect(isReadable(watch.rawValue))
    #expect(watch.hasChanged(token) == true)
    #expect(watch.hasChanged(token) == false)
    #expect(watch.isOver == false)
  }

  @Test func replacingMovingAndDeletingAreChanges() throws {
    try write("new")
    try write("tokens.json")
    var watch = try DirectoryWatch(makePath(directory.name))
    try directory.path("new").rename(to: directory.path("tokens.json"))
    #expect(watch.hasChanged(token) == true)
    try directory.path("tokens.json").rename(to: directory.path("away"))
    #expect(watch.hasChanged(token) == true)
    try directory.path("away").rename(to: directory.path("tokens.json"))
    #expect(watch.hasChanged(token) == true)
    try directory.path("tokens.json").remove()
    #expect(watch.hasChanged(token) == true)
    #expect(watch.isOver == false)
  }

  @Test func theOneAmongManyIsFound() throws {
    var watch = try DirectoryWatch(makePath(directory.name))
    let long = String(repeating: "n", count: 255)
    for number in 0..<50 { try write("\(number)") }
    try write(long)
    try write("tokens.json")
    for number in 50..<100 { try write("\(number)") }
    #expect(watch.hasChanged(token) == true)
    #expect(watch.hasChanged(token) == false)
    try write(long)
    #expect(watch.hasChanged(makePath(long)) == true)
  }

  @Test func anOverflowCountsAsAChange() throws {
    var watch = try DirectoryWatch(makePath(directory.name))
    let limit = try String(
      contentsOfFile: "/proc/sys/fs/inotify/max_queued_events", encoding: .utf8)
    let events = try #require(Int(limit.trimmingCharacters(in: .newlines)))
    // Two names in turn, since equal events are merged; each close is one event, unless a child of
    // another test holds the file too: hence some more.
    let names = ["\(directory.name)/a", "\(directory.name)/b"]
    for number in 0..<(events + 100) {
      close(open(names[number % 2], O_WRONLY | O_CREAT, 0o600))
    }
    #expect(watch.hasChanged(token) == true)
    #expect(watch.isOver == false)
    #expect(watch.hasChanged(token) == false)
  }

  @Test(arguments: [true, false])
  func theDirectorysEndIsAChange(isDeleted: Bool) throws {
    let inner = "\(directory.name)/inner"
    try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
    var watch = try DirectoryWatch(makePath(inner))
    if isDeleted { rmdir(inner) } else { rename(inner, "\(directory.name)/moved") }
    #expect(watch.hasChanged(token) == true)
    #expect(watch.isOver == true)
  }

  @Test func whatIsNoDirectoryCannotBeWatched() throws {
    try write("file")
    let file = failure { () throws(Errno) in _ = try DirectoryWatch(directory.path("file")) }
    let nothing = failure { () throws(Errno) in _ = try DirectoryWatch(directory.path("none")) }
    #expect(file == .notDirectory)
    #expect(nothing == .noSuchFile)
  }
}

/// Lets a lock go when something is there to be read.
private struct Holder: ~Copyable {
  var lock: FileLock?
  let waker: Int32

  mutating func attend() -> Bool {
    var byte: UInt8 = 0
    read(waker, &byte, 1)
    lock = nil
    return false
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

@Suite struct FileLockTests {
  private let directory = TemporaryDirectory()
  private let name = makePath("tokens.json.lock")

  private func take(
    until deadline: Int64 = 0, attending: Attending = Attending()
  ) throws(LockError) -> FileLock {
    let opened: Directory
    do {
      opened = try Directory(opening: makePath(directory.name))
    } catch {
      throw .failed(error)
    }
    return try opened.lock(name, until: deadline, attending: attending)
  }

  private func lockFailure(
    until deadline: Int64 = 0, attending: Attending = Attending()
  ) -> LockError? {
    do {
      _ = try take(until: deadline, attending: attending)
      return nil
    } catch {
      return error
    }
  }

  private var soon: Int64 { Clock.milliseconds + 50 }
  private var later: Int64 { Clock.milliseconds + 60000 }

  @Test func oneAtATime() throws {
    do {
      let lock = try take()
      #expect(lockFailure() == .timedOut)
      #expect(lockFailure(until: soon) == .timedOut)
      _ = consume lock
    }
    #expect(lockFailure() == nil)
  }

  @Test func theFileStaysAndIsItsOwnersAlone() throws {
    #expect(lockFailure(until: soon) == nil)
    let status = try FileDescriptor(opening: directory.path("tokens.json.lock"), .readOnly).status()
    #expect(status.mode == 0o600)
  }

  @Test func aChildsCopyDoesNotKeepTheLock() throws {
    let lock = try take()
    let copies = descriptors(of: "tokens.json.lock").map { dup($0) }
    defer { for copy in copies { close(copy) } }
    #expect(copies.count == 1)
    _ = consume lock
    #expect(lockFailure() == nil)
  }

  /// This process's descriptors of a file.
  private func descriptors(of file: String) -> [Int32] {
    var wanted = stat()
    precondition(stat("\(directory.name)/\(file)", &wanted) == 0)
    return (0..<1024).filter { descriptor in
      var status = stat()
      return fstat(descriptor, &status) == 0 && status.st_ino == wanted.st_ino
        && status.st_dev == wanted.st_dev
    }
  }

  @Test func anInterruptEndsTheWait() throws {
    let lock = try take()
    let interrupt = Pipe()
    try interrupt.writer.write(text: "x")
    let attending = Attending(descriptor: interrupt.reader.rawValue)
    #expect(lockFailure(until: later, attending: attending) == .interrupted)
    _ = consume lock
  }

  @Test func othersAreAttendedToWhileItWaits() throws {
    let interrupt = Pipe()
    try interrupt.writer.write(text: "x")
    var holder = Holder(lock: try take(), waker: interrupt.reader.rawValue)
    #expect(lockFailure(until: later, attending: holder.attending) == nil)
  }

  /// Whoever owns the file may hold it for ever.
  @Test(.enabled(if: geteuid() == 0, "takes root")) func aStrangersLockIsRefused() throws {
    let file = "\(directory.name)/tokens.json.lock"
    #expect(lockFailure() == nil)
    #expect(chown(file, 4321, 0) == 0)
    #expect(lockFailure() == .failed(.notPermitted))
    // Who owns the directory could take the lock away as well.
    #expect(chown(directory.name, 4321, 0) == 0)
    #expect(lockFailure() == nil)
  }

  @Test func tryingOutTheLockTakesAndReleasesIt() throws {
    let opened = try Directory(opening: makePath(directory.name))
    let held = try take()
    try opened.checkLock(name)
    _ = consume held
    try opened.checkLock(name)
    #expect(lockFailure() == nil)
  }

  @Test func whatCannotBeLockedIsAnError() throws {
    try FileManager.default.createSymbolicLink(
      atPath: "\(directory.name)/tokens.json.lock", withDestinationPath: "elsewhere")
    #expect(lockFailure(until: soon) == .failed(Errno(rawValue: ELOOP)))
    #expect(directory.content(of: "elsewhere") == nil)
  }
}
