/// A column of text: which parts it shows, in what sizes, and how far they may wrap.
struct TextBlock: Sendable {
  /// Which parts are shown beside the user code.
  enum Contents: UInt8, Sendable {
    /// Title, instructions, URI, time and bar.
    case full
    /// URI and time.
    case brief
    /// The URI.
    case bare
    /// Nothing.
    case none
  }

  var x = 0
  var y = 0
  var width = 0
  var isCentred = true
  var contents = Contents.none
  var body = TypeSize(step: 0)
  var code = TypeSize(step: 0)
  var codeLines = 1
  var uriLines = 1
  /// Whether what does not fit its lines is shortened; else it means that nothing fits.
  var shortens = false
  /// Pixels between the groups.
  var gap = 0

  /// The least space between two groups, in pixels.
  var leastGap: Int { max(2, body.height / 3) }

  /// Paints the block.
  ///
  /// - Returns: the row below it; nil where a part does not fit, with the parts before it painted.
  @inline(never)
  func paint(_ words: borrowing Words, on bitmap: inout Bitmap) -> Int? {
    // The space between a line and what it announces.
    let smallGap = body.height / 6
    var y = y
    if contents == .full {
      // Larger than the body, as long as it stays on one line.
      let larger = TypeSize(step: body.step + 1)
      let isLarger = words.count(.title) <= larger.columns(in: width)
      guard write(words, .title, isLarger ? larger : body, 2, &y, &bitmap) else { return nil }
      let rule = max(1, body.height / 16)
      bitmap.fill(Rectangle(x: x, y: y + smallGap, width: width, height: rule), .ink)
      y += smallGap + rule + gap
      guard write(words, .sentence, body, 9, &y, &bitmap) else { return nil }
      y += smallGap
    }
    if contents != .none {
      guard write(words, .uri, body, uriLines, &y, &bitmap) else { return nil }
      y += gap
    }
    if contents == .full {
      guard write(words, .request, body, 9, &y, &bitmap) else { return nil }
      y += smallGap
    }
    guard write(words, .userCode, code, codeLines, &y, &bitmap) else { return nil }
    if contents == .full || contents == .brief, words.count(.note) > 0 {
      y += gap
      let fits = words.count(.note) <= body.columns(in: width)
      guard write(words, fits ? .note : .shortTime, body, 1, &y, &bitmap) else { return nil }
      if contents == .full, let part = words.partLeft { paintBar(part, &y, &bitmap) }
    }
    return y
  }

  private func paintBar(_ part: Int, _ y: inout Int, _ bitmap: inout Bitmap) {
    let height = max(3, body.height / 4)
    let line = max(1, height / 4)
    y += height
    bitmap.fill(
      Rectangle(x: x, y: y + (height - line) / 2, width: width, height: line), .ink)
    bitmap.fill(Rectangle(x: x, y: y, width: width * part / 1000, height: height), .ink)
    y += height
  }

  @inline(never)
  private func breaks(_ part: Words.Part) -> LineBreaks {
    switch part {
    // Where there is room for little else, each line is filled.
    case .uri: contents == .bare ? .outsideHost : .separators
    case .userCode: .groups
    default: .spaces
    }
  }

  /// The lines that a part takes.
  @inline(never)
  func lines(_ words: borrowing Words, _ part: Words.Part, _ type: TypeSize) -> Int {
    breaks(part).lines(words[part], columns: type.columns(in: width))
  }

  /// Writes a part from `y` on, wrapped, and moves `y` below it; false where it takes more than
  /// `limit` lines and is not to be shortened.
  @inline(never)
  func write(
    _ words: borrowing Words, _ part: Words.Part, _ type: TypeSize, _ limit: Int, _ y: inout Int,
    _ bitmap: inout Bitmap
  ) -> Bool {
    var columns = type.columns(in: width)
    if columns < 1 { return false }
    let bytes = words[part]
    var breaks = breaks(part)
    var length = bytes.count
    if breaks.lines(bytes, columns: columns) > limit {
      if !shortens { return false }
      breaks = .anywhere
      length = min(length, columns * limit)
    }
    let isVisible = bitmap.isVisible(
      Rectangle(x: x, y: y, width: width, height: type.height * limit))
    if isVisible { columns = breaks.balanced(bytes, columns: columns) }
    var start = 0
    while start < length {
      let end = min(length, breaks.end(of: bytes, from: start, columns: columns))
      if isVisible {
        var last = end
        while last > start, bytes[last - 1] == UInt8(ascii: " ") { last -= 1 }
        var left = isCentred ? x + (width - (last - start) * type.width) / 2 : x
        for index in start..<last {
          bitmap.write(shortened(bytes, to: length, at: index), type, x: left, y: y)
          left += type.width
        }
      }
      y += type.height
      start = end
    }
    return true
  }
}
