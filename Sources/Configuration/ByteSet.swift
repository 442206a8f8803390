/// A set of numbers of one byte: of raw values, however many cases an enumeration may get.
struct ByteSet {
  private var words = InlineArray<8, UInt32>(repeating: 0)

  /// - Returns: whether the number was not there yet.
  mutating func insert(_ number: UInt8) -> Bool {
    let word = Int(number / 32)
    let bit = UInt32(1) &<< UInt32(number % 32)
    if words[word] & bit != 0 { return false }
    words[word] |= bit
    return true
  }
}
