/// A number that whoever has a copy of this counts on.
@safe public struct SharedCount {
  private let pointer: UnsafeMutablePointer<Int64>

  /// - Parameter place: where the number is. It outlives all copies.
  public init(_ place: UnsafeMutablePointer<Int64>) {
    unsafe pointer = place
  }

  public var value: Int64 {
    get { unsafe pointer.pointee }
    nonmutating set { unsafe pointer.pointee = newValue }
  }
}
