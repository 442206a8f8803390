/// Where a line that is too long goes on below.
enum LineBreaks: Sendable {
  /// After spaces: words.
  case spaces
  /// After the separators of a URI.
  case separators
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
    case .anywhere: true
    }
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
    var end = limit
    while end > start + columns / 3 {
      if allowsBreak(after: bytes[end - 1]) { return end }
      end -= 1
    }
    return limit
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

  /// The number of lines of at most `columns` characters; 0 for no text.
  @inline(never)
  func lines(_ bytes: borrowing Span<UInt8>, columns: Int) -> Int {
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
