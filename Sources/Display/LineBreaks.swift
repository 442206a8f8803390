/// Where a line that is too long goes on below.
enum LineBreaks: Sendable {
  /// After spaces: words.
  case spaces
  /// After the separators of a URI, but not in the name of its host.
  case separators
  /// Anywhere in a URI, but not in the name of its host.
  case outsideHost
  /// After hyphens and spaces: a user code in groups.
  case groups
  /// Anywhere.
  case anywhere

  private func allowsBreak(after byte: UInt8) -> Bool {
    switch self {
    case .spaces: byte == UInt8(ascii: " ")
    case .separators:
      byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "&")
        || byte == UInt8(ascii: "=") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
    case .groups: byte == UInt8(ascii: "-") || byte == UInt8(ascii: " ")
    case .anywhere, .outsideHost: true
    }
  }

  /// Where no break may be: the name of a URI's host, with its port.
  @inline(never)
  private func host(_ bytes: borrowing Span<UInt8>) -> Range<Int> {
    guard self == .separators || self == .outsideHost else { return 0..<0 }
    var (start, slashes) = (0, 0)
    for index in bytes.indices {
      let byte = bytes[index]
      guard byte == UInt8(ascii: "/") || slashes == 2 && byte == UInt8(ascii: "?") else { continue }
      slashes += 1
      if slashes == 2 { start = index + 1 }
      if slashes == 3 { return start..<index }
    }
    return start..<(slashes == 2 ? bytes.count : start)
  }

  /// The end of the line that begins at `start`, at most `columns` characters on. A part without a
  /// good place is cut anywhere, and so is one that would leave the line nearly empty.
  @inline(never)
  func end(of bytes: borrowing Span<UInt8>, from start: Int, columns: Int) -> Int {
    let limit = start + max(1, columns)
    // A space that falls beyond the edge needs no room.
    let fits = self == .spaces && limit < bytes.count && bytes[limit] == UInt8(ascii: " ")
    if limit >= bytes.count { return bytes.count }
    if fits { return limit + 1 }
    let host = host(bytes)
    var end = limit
    while end > start + columns / 3 {
      let isInHost = end > host.lowerBound && end < host.upperBound
      if !isInHost, allowsBreak(after: bytes[end - 1]) { return end }
      end -= 1
    }
    // Behind "https://", where the host's name has no room after it.
    let isInHost = limit > host.lowerBound && limit < host.upperBound
    return isInHost && start < host.lowerBound ? host.lowerBound : limit
  }

  /// The least number of columns that takes no more lines than `columns` does: words wrapped so
  /// don't leave a single one on the last line.
  func balanced(_ bytes: borrowing Span<UInt8>, columns: Int) -> Int {
    guard self == .spaces else { return columns }
    let count = lines(bytes, columns: columns)
    var best = columns
    while best > 1, lines(bytes, columns: best - 1) == count, longestPart(bytes) < best {
      best -= 1
    }
    return best
  }

  /// The length of the longest part that has no place for a break inside.
  @inline(never)
  private func longestPart(_ bytes: borrowing Span<UInt8>) -> Int {
    var longest = 0
    var length = 0
    for index in bytes.indices {
      length += 1
      longest = max(longest, length)
      if allowsBreak(after: bytes[index]) { length = 0 }
    }
    return longest
  }

  /// The number of lines of at most `columns` characters; 0 for no text, and more than anybody has
  /// room for where the name of a host does not fit on one.
  @inline(never)
  func lines(_ bytes: borrowing Span<UInt8>, columns: Int) -> Int {
    if host(bytes).count > columns { return Int(UInt8.max) }
    var count = 0
    var start = 0
    while start < bytes.count {
      start = end(of: bytes, from: start, columns: columns)
      count += 1
    }
    return count
  }
}

/// The character at `index` of `bytes` with as much of the middle as must go replaced by `...`,
/// where they are longer than `length`; the beginning of a URI, which says whose it is, keeps the
/// larger part.
func shortened(_ bytes: borrowing Span<UInt8>, to length: Int, at index: Int) -> UInt8 {
  let head = (length - 3) * 2 / 3
  if bytes.count <= length || length < 8 || index < head { return bytes[index] }
  return index < head + 3 ? UInt8(ascii: ".") : bytes[bytes.count - length + index]
}
