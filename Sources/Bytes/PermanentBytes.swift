/// Bytes that live as long as the program: an argument, an environment variable, a static buffer
/// that is written once. They can be kept without a copy.
@safe public struct PermanentBytes: @unchecked Sendable {
  private let storage: UnsafeBufferPointer<UInt8>

  /// - Parameter storage: memory that is never freed nor written to again.
  public init(_ storage: UnsafeBufferPointer<UInt8>) {
    unsafe self.storage = storage
  }

  public init(_ literal: StaticString) {
    unsafe storage = UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
  }

  public var count: Int { unsafe storage.count }

  public var bytes: Span<UInt8> {
    @_lifetime(immortal)
    get { unsafe _overrideLifetime(Span(_unsafeElements: storage), copying: ()) }
  }

  /// The part between two offsets.
  public func extracting(_ range: Range<Int>) -> PermanentBytes {
    unsafe PermanentBytes(UnsafeBufferPointer(rebasing: storage[range]))
  }

  /// The part without blanks at either end.
  public func trimmed() -> PermanentBytes {
    var start = 0
    var end = count
    while start < end, unsafe storage[start].isBlank { start += 1 }
    while end > start, unsafe storage[end - 1].isBlank { end -= 1 }
    return extracting(start..<end)
  }
}
