internal import CJansson

/// The fixed memory that jansson works in, handed out from the front; all of it comes back at once
/// when the document goes away. Guarded by `cjansson_arena_lock`.
enum Arena {
  /// How far the memory is given away.
  nonisolated(unsafe) private static var used = 0

  static func begin() {
    let outcome = pthread_mutex_lock(cjansson_arena_lock())
    precondition(outcome == 0, "one JSON document at a time")
    used = 0
    json_set_alloc_funcs({ Arena.allocate($0) }, { _ in })
  }

  /// Wipes what was used, since documents hold tokens.
  static func end() {
    cjansson_arena().update(repeating: 0, count: used)
    used = 0
    pthread_mutex_unlock(cjansson_arena_lock())
  }

  private static func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
    let aligned = (size + 15) / 16 * 16
    guard aligned >= size, aligned <= cjansson_arena_capacity() - used else { return nil }
    defer { used += aligned }
    return UnsafeMutableRawPointer(cjansson_arena() + used)
  }
}
