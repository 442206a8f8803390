/// The cases of an enumeration whose raw values count from 0, one after the other. `CaseIterable`
/// and `Sequence` would take an array.
public struct Cases<Case: RawRepresentable> where Case.RawValue == UInt8 {
  private var nextValue: UInt8 = 0

  public init() {}

  /// The case behind the one before; nil after the last.
  public mutating func next() -> Case? {
    guard let value = Case(rawValue: nextValue) else { return nil }
    nextValue += 1
    return value
  }

  /// How many there are.
  public static var count: Int {
    var cases = Cases()
    var count = 0
    while cases.next() != nil { count += 1 }
    return count
  }
}
