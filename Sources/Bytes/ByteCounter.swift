/// A sink that only counts: it tells how long a text will be before it is written.
public struct ByteCounter: ByteSink, Sendable {
  public private(set) var count = 0

  public init() {}

  public var isTruncated: Bool { false }

  public mutating func append(_ byte: UInt8) {
    count += 1
  }
}
