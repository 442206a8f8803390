// `swift build` builds this target too, also for a board, where there are no arrays.
#if !hasFeature(Embedded)
  public import Bytes

  /// A copy of `bytes` that outlives them and that `#expect` can print.
  public func string(_ bytes: borrowing Span<UInt8>) -> String {
    String(decoding: array(bytes), as: UTF8.self)
  }

  public func string(ifPresent bytes: Span<UInt8>?) -> String? {
    guard let bytes else { return nil }
    return string(bytes)
  }

  /// What `text` holds, in a form that `#expect` can print.
  public func string<let capacity: Int>(_ text: Text<capacity>) -> String {
    string(text.bytes)
  }

  /// A copy of `bytes` that outlives them.
  public func array(_ bytes: borrowing Span<UInt8>) -> [UInt8] {
    bytes.withUnsafeBufferPointer { Array($0) }
  }

  /// A text with what `content` holds, which must fit.
  public func text<let capacity: Int>(_ content: String) -> Text<capacity> {
    let bytes = Array(content.utf8)
    guard let text = Text<capacity>(exactly: bytes.span) else {
      fatalError("longer than \(capacity) bytes: \(content)")
    }
    return text
  }

  /// Lends an empty buffer of `capacity` bytes.
  public func withBuffer<Result>(
    capacity: Int, _ body: (inout Buffer) throws -> Result
  ) rethrows -> Result {
    let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
    defer { storage.deallocate() }
    var buffer = Buffer(storage: storage)
    return try body(&buffer)
  }

  /// What `write` appends to a buffer, which must not overflow.
  public func written(capacity: Int = 65536, _ write: (inout Buffer) throws -> Void) rethrows
    -> [UInt8]
  {
    try withBuffer(capacity: capacity) { buffer in
      try write(&buffer)
      precondition(!buffer.isTruncated)
      return array(buffer.bytes)
    }
  }
#endif
