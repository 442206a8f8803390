/// Byte text of a capacity fixed at compile time, held in place: what this program uses instead of
/// `String`, which allocates.
///
/// Keep `capacity` to about 2 KiB; larger storage is a `Buffer`. Literals and interpolation work
/// without a heap, since the pieces are `StaticString`s:
///
///     let line: Text<128> = "polling every \(seconds) s"
public struct Text<let capacity: Int>: ByteSink, Sendable {
  private var storage: InlineArray<capacity, UInt8>

  /// The number of bytes held.
  public private(set) var count = 0

  public private(set) var isTruncated = false

  public init() {
    storage = InlineArray(repeating: 0)
  }

  /// Copies `bytes`; `isTruncated` tells whether they were too many.
  public init(_ bytes: borrowing Span<UInt8>) {
    self.init()
    append(bytes)
  }

  /// Copies `bytes`, or returns nil where they are too many.
  public init?(exactly bytes: borrowing Span<UInt8>) {
    if bytes.count > capacity { return nil }
    self.init(bytes)
  }

  public var isEmpty: Bool { count == 0 }

  // Without `@_addressableSelf` Swift 6.3.1 lets the span point to a copy of the text that is
  // already dead. Even so a function that is generic over a capacity, once specialised, gets a span
  // of a copy that was never written: such code reads a text by index.
  public var bytes: Span<UInt8> {
    @_lifetime(borrow self)
    @_addressableSelf
    borrowing get {
      unsafe storage.span.extracting(unchecked: Range(uncheckedBounds: (0, count)))
    }
  }

  /// The byte at an offset below `count`.
  public subscript(_ index: Int) -> UInt8 {
    precondition(index < count)
    return storage[index]
  }

  public mutating func append(_ byte: UInt8) {
    guard count < capacity else {
      isTruncated = true
      return
    }
    storage[count] = byte
    count += 1
  }

  /// Puts an asterisk in the place of each of these bytes, which are there.
  public mutating func mask(_ range: Range<Int>) {
    precondition(range.upperBound <= count)
    for index in range { storage[index] = UInt8(ascii: "*") }
  }

  /// Forgets everything, and that something did not fit. For secrets there is `wipe`.
  public mutating func removeAll() {
    count = 0
    isTruncated = false
  }

  /// Overwrites what was held with zeros: for secrets.
  public mutating func wipe() {
    for index in 0..<capacity { storage[index] = 0 }
    removeAll()
  }
}

extension Text: ExpressibleByStringInterpolation {
  public init(stringLiteral literal: StaticString) {
    self.init()
    append(literal)
  }

  public init(stringInterpolation: StringInterpolation) {
    self = stringInterpolation.text
  }

  public struct StringInterpolation: StringInterpolationProtocol {
    public typealias StringLiteralType = StaticString

    fileprivate var text = Text()

    public init(literalCapacity: Int, interpolationCount: Int) {}

    public mutating func appendLiteral(_ literal: StaticString) {
      text.append(literal)
    }

    public mutating func appendInterpolation(_ literal: StaticString) {
      text.append(literal)
    }

    // Not generic: a conversion between unknown integers allocates on 32-bit machines.
    public mutating func appendInterpolation(_ number: Int64) {
      text.append(decimal: number)
    }

    public mutating func appendInterpolation(_ number: Int) {
      text.append(decimal: Int64(number))
    }

    public mutating func appendInterpolation(_ number: Int32) {
      text.append(decimal: Int64(number))
    }

    public mutating func appendInterpolation<let count: Int>(_ other: borrowing Text<count>) {
      text.append(other)
    }

    public mutating func appendInterpolation(_ bytes: borrowing Span<UInt8>) {
      text.append(bytes)
    }

    /// Appends text from outside with everything but printable ASCII escaped.
    public mutating func appendInterpolation(escaped bytes: borrowing Span<UInt8>) {
      text.append(escaped: bytes)
    }

    public mutating func appendInterpolation<let count: Int>(escaped other: borrowing Text<count>) {
      for index in 0..<other.count { text.append(escapedByte: other[index]) }
    }
  }
}

extension Text {
  public static func == (left: borrowing Text, right: StaticString) -> Bool {
    guard left.count == right.utf8CodeUnitCount else { return false }
    for index in 0..<left.count where left[index] != right.bytes[index] { return false }
    return true
  }

  public static func != (left: borrowing Text, right: StaticString) -> Bool {
    !(left == right)
  }
}

extension Text: Equatable {
  public static func == (left: Text, right: Text) -> Bool {
    guard left.count == right.count else { return false }
    for index in 0..<left.count where left[index] != right[index] { return false }
    return true
  }
}
