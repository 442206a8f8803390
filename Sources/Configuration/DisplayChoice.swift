public import Bytes

/// One item of the `display` key.
public struct DisplayChoice: Sendable {
  /// Which driver, and what it needs to know.
  public enum Kind: Sendable, Equatable {
    /// The framebuffer if there is one, else a graphics card, and the console.
    case automatic
    case framebuffer
    /// A graphics card with kernel mode setting (DRM).
    case card
    case pbm(width: Int, height: Int)
    case console
  }

  public let kind: Kind

  /// The device or file, for any graphics card `anyCard`; empty for a kind that has none.
  public let path: PermanentBytes

  /// The directory of the graphics cards.
  public static let anyCard: StaticString = "/dev/dri"
}

/// The `display` key: up to four displays, none of them twice.
public struct DisplayChoices: Sendable {
  public static let limit = 4

  private var choices = InlineArray<4, DisplayChoice?>(repeating: nil)
  public private(set) var count = 0

  public subscript(_ index: Int) -> DisplayChoice { choices[index]! }

  /// The largest picture that the program has memory for, in pixels.
  public static let pixelLimit = 2048 * 2048

  /// - Returns: nil for a list that is not as the contract has it.
  init?(_ value: PermanentBytes) {
    if value.bytes.equals("none") { return }
    var start = 0
    while start <= value.count {
      let end = value.bytes.firstIndex(of: UInt8(ascii: ","), from: start) ?? value.count
      guard count < DisplayChoices.limit,
        let choice = Self.parse(value.extracting(start..<end).trimmed()), !contains(choice.path)
      else { return nil }
      choices[count] = choice
      count += 1
      start = end + 1
    }
  }

  /// Whether a display of that path is there; the console has an empty one.
  private func contains(_ path: PermanentBytes) -> Bool {
    for index in 0..<count where self[index].path.bytes.equals(path.bytes) { return true }
    return false
  }

  private static func parse(_ item: PermanentBytes) -> DisplayChoice? {
    let none = PermanentBytes("")
    if item.bytes.equals("auto") {
      return DisplayChoice(kind: .automatic, path: PermanentBytes("/dev/fb0"))
    }
    if item.bytes.equals("console") { return DisplayChoice(kind: .console, path: none) }
    if let path = device(item, "framebuffer", "/dev/fb0") {
      return DisplayChoice(kind: .framebuffer, path: path)
    }
    if let path = device(item, "drm", DisplayChoice.anyCard) {
      return DisplayChoice(kind: .card, path: path)
    }
    return parsePBM(item)
  }

  /// Reads `WORD[:PATH]`, the usual path where none is given.
  @inline(never)
  private static func device(
    _ item: PermanentBytes, _ word: StaticString, _ usual: StaticString
  ) -> PermanentBytes? {
    if item.bytes.equals(word) { return PermanentBytes(usual) }
    let start = word.utf8CodeUnitCount + 1
    guard item.bytes.hasPrefix(word), item.count > start, item.bytes[start - 1] == UInt8(ascii: ":")
    else { return nil }
    return item.extracting(start..<item.count)
  }

  /// Reads `pbm:PATH[@WIDTHxHEIGHT]`. What follows the last `@` is a size, good or not, if it is
  /// written like one; else it is part of the path.
  private static func parsePBM(_ item: PermanentBytes) -> DisplayChoice? {
    let prefix: StaticString = "pbm:"
    guard item.bytes.hasPrefix(prefix), item.count > prefix.utf8CodeUnitCount else { return nil }
    let rest = item.extracting(prefix.utf8CodeUnitCount..<item.count)
    var at = rest.count - 1
    while at > 0, rest.bytes[at] != UInt8(ascii: "@") { at -= 1 }
    let size = rest.extracting(at + 1..<rest.count).bytes
    if at == 0 || !isLikeSize(size) {
      return DisplayChoice(kind: .pbm(width: 800, height: 480), path: rest)
    }
    guard let cross = size.firstIndex(of: UInt8(ascii: "x")),
      let width = size.extracting(first: cross).parseDecimal(),
      let height = size.suffix(from: cross + 1).parseDecimal(),
      width >= 16, height >= 16, width <= 8192, height <= 8192,
      (Int(width) + 7) / 8 * 8 * Int(height) <= pixelLimit
    else { return nil }
    return DisplayChoice(
      kind: .pbm(width: Int(width), height: Int(height)), path: rest.extracting(0..<at))
  }

  private static func isLikeSize(_ text: borrowing Span<UInt8>) -> Bool {
    for index in text.indices {
      if !text[index].isDigit, lowercased(text[index]) != UInt8(ascii: "x") { return false }
    }
    return true
  }
}
