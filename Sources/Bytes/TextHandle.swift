/// A text that is lent to somebody who appends to it, for as long as it is lent: copies of the
/// handle write to the same text.
@safe public struct TextHandle<let capacity: Int>: ~Escapable {
  private let pointer: UnsafeMutablePointer<Text<capacity>>

  @_lifetime(&text)
  public init(_ text: inout Text<capacity>) {
    unsafe pointer = withUnsafeMutablePointer(to: &text) { unsafe $0 }
  }

  /// The text itself.
  public var text: Text<capacity> {
    unsafeAddress { unsafe UnsafePointer(pointer) }
    nonmutating unsafeMutableAddress { unsafe pointer }
  }

  /// Appends a literal, by its address alone: there are hundreds of them.
  @inline(__always)
  public func append(_ literal: StaticString) {
    unsafe append(terminated: literal.utf8Start)
  }

  @inline(never)
  private func append(terminated literal: UnsafePointer<UInt8>) {
    unsafe pointer.pointee.append(terminated: literal)
  }
}
