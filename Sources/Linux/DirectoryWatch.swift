internal import CLinux

/// Tells when the names in a directory change (inotify(7)).
public struct DirectoryWatch: ~Copyable {
  private let descriptor: FileDescriptor

  /// Whether the directory itself has been deleted, moved or unmounted: then nothing more comes,
  /// and it takes a new watch.
  public private(set) var isOver = false

  public init(_ directory: Path) throws(Errno) {
    descriptor = try openWatch(directory)
  }

  /// Readable when something has changed, whatever its name.
  public var rawValue: Int32 { descriptor.rawValue }

  /// Whether anything has happened to `name` since the last call: it has been made, written and
  /// closed, moved here or away, or deleted. Also where that can't be told, because too much has
  /// happened or the directory itself is gone.
  public mutating func hasChanged(_ name: Path) -> Bool {
    var hasChanged = false
    // Room for the longest name, in words: the kernel's struct is aligned.
    var storage = InlineArray<40, UInt64>(repeating: 0)
    let watch = descriptor.rawValue
    // What is left is reported again: others may change the directory without a pause.
    for _ in 0..<EventQueue.readLimit {
      var space = storage.mutableSpan
      let count = unsafe space.withUnsafeMutableBytes {
        unsafe read(watch, $0.baseAddress, $0.count)
      }
      if count <= 0 { return hasChanged }
      let changes = unsafe storage.span.withUnsafeBytes {
        unsafe readChanges(UnsafeRawBufferPointer(rebasing: $0[..<count]), of: name)
      }
      if changes != 0 { hasChanged = true }
      if changes & endings != 0 { isOver = true }
    }
    return hasChanged
  }
}

private func openWatch(_ directory: Path) throws(Errno) -> FileDescriptor {
  let watch = FileDescriptor(
    owning: try result { inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK)) })
  let number = watch.rawValue
  let names = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE
  let changes = UInt32(names | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
  try unsafe directory.withCString { (directory) throws(Errno) in
    _ = try result { unsafe inotify_add_watch(number, directory, changes) }
  }
  return watch
}

/// What ends a watch: the directory is deleted, moved or unmounted, or the watch is removed.
private let endings = UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)

/// The bits of the events that concern `name` or everything.
private func readChanges(_ bytes: UnsafeRawBufferPointer, of name: Path) -> UInt32 {
  var changes: UInt32 = 0
  var start = 0
  while start < bytes.count {
    let event = unsafe bytes.load(fromByteOffset: start, as: inotify_event.self)
    start += MemoryLayout<inotify_event>.size
    let end = start + Int(event.len)
    let padded = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    let concernsAll = event.mask & (endings | UInt32(IN_Q_OVERFLOW)) != 0
    if unsafe concernsAll || isName(padded, name) { changes |= event.mask }
    start = end
  }
  return changes
}

/// Whether the bytes are those of `name`, with zeros behind.
private func isName(_ padded: UnsafeRawBufferPointer, _ name: Path) -> Bool {
  let bytes = name.bytes
  guard padded.count > bytes.count, unsafe padded[bytes.count] == 0 else { return false }
  for index in bytes.indices where unsafe padded[index] != bytes[index] { return false }
  return true
}
