import Bytes
import Foundation
import Linux
import TestSupport

/// A directory that goes away with everything in it.
final class TemporaryDirectory {
  let name: String

  init() {
    var template = Array("\(NSTemporaryDirectory())/devicegrant.XXXXXX\0".utf8CString)
    precondition(mkdtemp(&template) != nil)
    name = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit {
    try? FileManager.default.removeItem(atPath: name)
  }

  func path(_ file: String) -> Path {
    makePath("\(name)/\(file)")
  }

  func content(of file: String) -> String? {
    FileManager.default.contents(atPath: "\(name)/\(file)")
      .map { String(decoding: $0, as: UTF8.self) }
  }
}

func makePath(_ text: String) -> Path {
  let bytes = Array(text.utf8)
  return Path(bytes.span)!
}

extension Path {
  /// Puts this file in the place of `other`.
  func rename(to other: Path) throws(Errno) {
    if Foundation.rename(string(bytes), string(other.bytes)) != 0 { throw Errno(rawValue: errno) }
  }

  func remove() throws(Errno) {
    if unlink(string(bytes)) != 0 { throw Errno(rawValue: errno) }
  }
}

/// The ends of a new pipe, both of which block.
func openPipe() -> (reader: Int32, writer: Int32) {
  var ends: [Int32] = [-1, -1]
  precondition(pipe(&ends) == 0)
  return (ends[0], ends[1])
}

/// The ends of a new pipe, neither of which ever blocks.
struct Pipe: ~Copyable {
  let reader: FileDescriptor
  let writer: FileDescriptor

  init() {
    let ends = openPipe()
    for end in [ends.reader, ends.writer] {
      precondition(fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK) == 0)
    }
    reader = FileDescriptor(owning: ends.reader)
    writer = FileDescriptor(owning: ends.writer)
  }

  /// Writes until the pipe takes no more.
  borrowing func fill() throws(Errno) {
    let bytes = [UInt8](repeating: 1, count: 4096)
    do {
      while try writer.write(bytes.span) > 0 {}
    } catch {
      if error != .wouldBlock { throw error }
    }
  }
}

/// Waits until there is something to read, or for the deadline; nobody else is attended to.
func wait(on descriptor: Int32, until deadline: Int64) -> Wakeup {
  wait(for: .readable, on: descriptor, until: deadline, attending: Attending())
}

/// The error that `body` ends with, if it does.
func failure(of body: () throws(Errno) -> Void) -> Errno? {
  do {
    try body()
    return nil
  } catch {
    return error
  }
}

extension FileDescriptor {
  borrowing func write(text: String) throws(Errno) {
    let bytes = Array(text.utf8)
    try writeAll(bytes.span)
  }

  /// Everything up to the end.
  borrowing func readText(capacity: Int = 65536) throws(Errno) -> String {
    let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 1)
    defer { storage.deallocate() }
    var buffer = Buffer(storage: storage)
    try readAll(into: &buffer)
    return string(buffer.bytes)
  }

  /// What is there to be read at this moment from a descriptor that does not block.
  borrowing func readAvailable() throws(Errno) -> String {
    let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 1)
    defer { storage.deallocate() }
    var buffer = Buffer(storage: storage)
    do {
      try readAll(into: &buffer)
    } catch {
      if error != .wouldBlock { throw error }
    }
    return string(buffer.bytes)
  }
}
