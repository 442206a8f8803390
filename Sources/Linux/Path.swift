public import Bytes
internal import CLinux

/// A file's path: bytes without a zero, at most `Path.capacity` of them.
///
/// Shorter than the kernel's PATH_MAX of 4096, since paths are held by value here.
public struct Path: Sendable {
  public static let capacity = 512

  /// The bytes, ended by a zero for C.
  private var terminated = Text<513>()

  /// - Returns: nil for an empty or over-long path, or one that holds a zero byte.
  public init?(_ bytes: borrowing Span<UInt8>) {
    guard bytes.count > 0, bytes.count <= Path.capacity, !bytes.contains(0) else { return nil }
    terminated.append(bytes)
    terminated.append(0)
  }

  /// A path that this program knows: it must keep to the limit.
  public init(_ literal: StaticString) {
    terminated.append(literal)
    terminated.append(0)
  }

  public var bytes: Span<UInt8> {
    @_lifetime(borrow self)
    @_addressableSelf
    borrowing get { terminated.bytes.extracting(first: terminated.count - 1) }
  }

  /// Everything before the last slash: "." where there is none, "/" for a file in the root.
  public var directory: Path {
    guard let slash = lastSlash else { return Path(".") }
    return Path(bytes.extracting(first: max(1, slash))) ?? Path(".")
  }

  /// What follows the last slash; nil where nothing does.
  public var name: Path? {
    guard let slash = lastSlash else { return self }
    return Path(bytes.suffix(from: slash + 1))
  }

  /// This path with `suffix` behind it; nil where that is too long.
  public func appending(_ suffix: StaticString) -> Path? {
    var longer = Text<513>()
    longer.append(bytes)
    longer.append(suffix)
    return longer.isTruncated ? nil : Path(longer.bytes)
  }

  /// Whether what follows the last slash is the same.
  func hasSameName(as other: Path) -> Bool {
    let name = bytes.suffix(from: (lastSlash ?? -1) + 1)
    return name.equals(other.bytes.suffix(from: (other.lastSlash ?? -1) + 1))
  }

  private var lastSlash: Int? {
    var index = bytes.count - 1
    while index >= 0 {
      if bytes[index] == UInt8(ascii: "/") { return index }
      index -= 1
    }
    return nil
  }

  /// Lends the path as a C string.
  func withCString<Result, Failure: Error>(
    _ body: (UnsafePointer<CChar>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe terminated.bytes.withUnsafeBytes { (bytes) throws(Failure) in
      try unsafe body(bytes.baseAddress!.assumingMemoryBound(to: CChar.self))
    }
  }
}

extension Text.StringInterpolation {
  /// Appends the path, escaped: a file's name may hold anything.
  public mutating func appendInterpolation(_ path: borrowing Path) {
    appendInterpolation(escaped: path.bytes)
  }
}
