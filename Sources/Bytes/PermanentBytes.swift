/// Bytes that live as long as the program: an argument, an environment variable, a static buffer
/// that is written once. They can be kept without a copy.
public struct PermanentBytes: @unchecked Sendable {
  private let storage: UnsafeBufferPointer<UInt8>

  /// - Parameter storage: memory that is never freed nor written to again.
  public init(_ storage: UnsafeBufferPointer<UInt8>) {
    self.storage = storage
  }

  public init(_ literal: StaticString) {
    storage = UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
  }

  public var count: Int { storage.count }

  public var bytes: Span<UInt8> {
    @_lifetime(immortal)
    get { unsafe _overrideLifetime(Span(_unsafeElements: storage), copying: ()) }
  }

  /// The part between two offsets.
  public func extracting(_ range: Range<Int>) -> PermanentBytes {
    PermanentBytes(UnsafeBufferPointer(rebasing: storage[range]))
  }

  /// The part without blanks at either end.
  public func trimmed() -> PermanentBytes {
    var start = 0
    var end = count
    while start < end, storage[start].isBlank { start += 1 }
    while end > start, storage[end - 1].isBlank { end -= 1 }
    return extracting(start..<end)
  }
}
