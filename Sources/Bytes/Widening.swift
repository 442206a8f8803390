// Conversions to and from 64-bit integers, concrete. The standard library's are generic, and on a
// 32-bit machine they go through an array of words, which `-no-allocations` refuses. Code that
// writes `Int64(count)` picks these wherever `Bytes` is imported.

extension Int64 {
  public init(_ value: Int) {
    let bits = Int64(_truncatingBits: UInt(bitPattern: value))
    // The bits of a negative 32-bit number arrive without their sign.
    self = value < 0 && Int.bitWidth < 64 ? bits - 0x1_0000_0000 : bits
  }

  public init(_ value: Int32) {
    self.init(Int(value))
  }

  public init(_ value: UInt32) {
    self.init(_truncatingBits: UInt(value))
  }

  public init(_ value: UInt8) {
    self.init(_truncatingBits: UInt(value))
  }
}

extension UInt64 {
  public init(_ value: UInt32) {
    self.init(_truncatingBits: UInt(value))
  }

  public init(_ value: UInt8) {
    self.init(_truncatingBits: UInt(value))
  }
}

extension Int {
  /// Traps where the value does not fit, as the standard library's does.
  public init(_ value: Int64) {
    self.init(truncatingIfNeeded: value)
    precondition(Int64(self) == value)
  }
}

extension Int32 {
  /// The nearest value that fits.
  public init(clamping value: Int64) {
    self.init(truncatingIfNeeded: Swift.max(Int64(Int32.min), Swift.min(value, Int64(Int32.max))))
  }
}
