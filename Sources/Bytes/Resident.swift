/// Keeps the value that holds it where it is.
///
/// Swift lends a value of some kilobytes to a function or a closure as a copy on the stack, unless
/// it has a part that can't be moved by its bytes, which this one is: then it lends the address.
@_rawLayout(size: 1, alignment: 1)
public struct Resident: ~Copyable {
  public init() {}
}
