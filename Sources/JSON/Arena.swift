internal import CJansson

/// The fixed memory that jansson works in, handed out from the front; all of it comes back at once
/// when the document goes away.
enum Arena {
  /// Parses a document into the arena, which is this document's until `end`.
  ///
  /// - Returns: its root. After an error the arena is free again.
  static func parse(
    _ bytes: borrowing Span<UInt8>
  ) throws(JSONError) -> UnsafeMutablePointer<json_t> {
    let outcome = cjansson_begin()
    precondition(outcome == 0, "one JSON document at a time")
    var isExhausted: Int32 = 0
    let root = unsafe bytes.withUnsafeBytes { bytes in
      unsafe cjansson_load(
        bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, &isExhausted)
    }
    if let root = unsafe root { return unsafe root }
    end()
    throw isExhausted != 0 ? .tooComplex : .malformed
  }

  static func end() {
    cjansson_end()
  }
}
