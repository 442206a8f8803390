internal import Bytes

/// What a screen with a code says in text, made harmless: kept while only the time changes.
struct CodeText: Sendable {
  let title: Text<256>
  let invitation: StaticString
  let uri: Text<2048>
  let request: StaticString
  let userCode: Text<256>

  init(_ code: SignInCode, besideQR: Bool) {
    title = code.shownTitle
    invitation = besideQR ? "Scan with your phone, or open" : "On your phone or computer, open"
    var uri = Text<2048>()
    uri.append(escaped: code.verificationURI.bytes)
    self.uri = uri
    request = "and enter the code"
    var userCode = Text<256>()
    userCode.append(escaped: code.userCode.bytes)
    self.userCode = userCode
  }
}

/// How long a code lives yet.
struct Time: Sendable {
  /// nil where nobody knows.
  let secondsLeft: Int64?
  /// What part of the whole that is, from 0 to 1000; nil where nobody knows.
  let part: Int?

  init(_ code: borrowing SignInCode) {
    secondsLeft = code.secondsLeft
    guard let secondsLeft, let whole = code.lifetimeSeconds, whole > 0 else {
      part = nil
      return
    }
    let left = max(0, min(secondsLeft, whole))
    // Dividing first would lose the part, multiplying a large number first would overflow.
    part = Int(min(1000, whole > 1_000_000_000 ? left / (whole / 1000) : left * 1000 / whole))
  }
}

/// A column of text: which parts it shows, in what sizes, and how far they may wrap.
struct TextBlock: Sendable {
  /// Which parts are shown beside the user code.
  enum Contents: Sendable {
    /// Title, instructions, URI, time and bar.
    case full
    /// URI and time.
    case brief
    /// The URI.
    case bare
    /// Nothing.
    case none
  }

  var width: Int
  var isCentred: Bool
  var contents: Contents
  var body: TypeSize
  var code: TypeSize
  var codeLines: Int
  var uriLines: Int
  /// Whether what does not fit its lines is shortened; else it means that nothing fits.
  var shortens = false

  /// The least space between two groups, in pixels.
  var leastGap: Int { max(2, body.height / 3) }

  /// The space between a line and what it announces.
  private var smallGap: Int { body.height / 6 }

  private var ruleHeight: Int { max(1, body.height / 16) }

  /// Larger than the body, as long as it stays on one line.
  private func titleType(_ text: borrowing CodeText) -> TypeSize {
    let larger = TypeSize(step: body.step + 1)
    return text.title.count <= larger.columns(in: width) ? larger : body
  }

  private var barHeight: Int { max(3, body.height / 4) }

  /// Where there is room for little else, each line is filled.
  private var uriBreaks: LineBreaks { contents == .bare ? .anywhere : .separators }

  private var showsTime: Bool { contents == .full || contents == .brief }

  /// "Expires in 4:32", or in a narrow column "4:32 left".
  private func appendTime(_ secondsLeft: Int64, to text: inout Text<48>) {
    text.append("Expires in ")
    text.append(timeLeft: secondsLeft)
    if text.count <= body.columns(in: width) { return }
    text.removeAll()
    text.append(timeLeft: secondsLeft)
    text.append(" left")
  }

  /// The height in pixels with the least gaps; nil where a part does not fit.
  func height(_ text: borrowing CodeText, _ time: Time) -> Int? {
    let columns = body.columns(in: width)
    var height = 0
    if contents == .full {
      let type = titleType(text)
      let titleLines = LineBreaks.spaces.lines(
        text.title.bytes, columns: type.columns(in: width))
      if titleLines > 2 { return nil }
      height += titleLines * type.height + ruleHeight + smallGap + leastGap
      height += LineBreaks.spaces.lines(text.invitation.bytes, columns: columns) * body.height
      height += LineBreaks.spaces.lines(text.request.bytes, columns: columns) * body.height
      height += smallGap * 2
    }
    if contents != .none {
      guard let lines = fitting(text.uri.bytes, uriBreaks, columns, uriLines) else { return nil }
      height += lines * body.height + leastGap
    }
    let codeColumns = code.columns(in: width)
    guard let lines = fitting(text.userCode.bytes, .groups, codeColumns, codeLines) else {
      return nil
    }
    height += lines * code.height
    if showsTime, let secondsLeft = time.secondsLeft {
      var words = Text<48>()
      appendTime(secondsLeft, to: &words)
      if words.count > columns { return nil }
      height += leastGap + body.height
      if time.part != nil, contents == .full { height += barHeight * 2 }
    }
    return height
  }

  /// The number of lines, where it is not more than `limit` or the text may be shortened.
  private func fitting(
    _ bytes: borrowing Span<UInt8>, _ breaks: LineBreaks, _ columns: Int, _ limit: Int
  ) -> Int? {
    if columns < 1 { return nil }
    let lines = breaks.lines(bytes, columns: columns)
    return lines <= limit ? lines : shortens ? limit : nil
  }

  /// Paints the block with its top left corner at `x`, `y`, `gap` pixels between its groups.
  func paint(
    _ text: borrowing CodeText, _ time: Time, x: Int, y: Int, gap: Int,
    on canvas: inout some Canvas & ~Copyable
  ) {
    var y = y
    if contents == .full {
      let type = titleType(text)
      y = write(text.title.bytes, .spaces, type, 2, x: x, y: y, on: &canvas) + smallGap
      canvas.fill(Rectangle(x: x, y: y, width: width, height: ruleHeight), .ink)
      y += ruleHeight + gap
      y = write(text.invitation.bytes, .spaces, body, 9, x: x, y: y, on: &canvas) + smallGap
    }
    if contents != .none {
      y = write(text.uri.bytes, uriBreaks, body, uriLines, x: x, y: y, on: &canvas) + gap
    }
    if contents == .full {
      y = write(text.request.bytes, .spaces, body, 9, x: x, y: y, on: &canvas) + smallGap
    }
    y = write(text.userCode.bytes, .groups, code, codeLines, x: x, y: y, on: &canvas)
    guard showsTime, let secondsLeft = time.secondsLeft else { return }
    var words = Text<48>()
    appendTime(secondsLeft, to: &words)
    y = write(words.bytes, .spaces, body, 1, x: x, y: y + gap, on: &canvas)
    guard let part = time.part, contents == .full else { return }
    paintBar(part, x: x, y: y + barHeight, on: &canvas)
  }

  private func paintBar(
    _ part: Int, x: Int, y: Int, on canvas: inout some Canvas & ~Copyable
  ) {
    let line = max(1, barHeight / 4)
    canvas.fill(
      Rectangle(x: x, y: y + (barHeight - line) / 2, width: width, height: line), .ink)
    canvas.fill(Rectangle(x: x, y: y, width: width * part / 1000, height: barHeight), .ink)
  }

  /// Writes wrapped lines, shortened to `limit` of them, and returns where the next one goes.
  func write(
    _ bytes: borrowing Span<UInt8>, _ breaks: LineBreaks, _ type: TypeSize, _ limit: Int,
    x: Int, y: Int, on canvas: inout some Canvas & ~Copyable
  ) -> Int {
    let columns = type.columns(in: width)
    if breaks.lines(bytes, columns: columns) > limit {
      let short: Text<2048> = shortened(bytes, to: columns * limit)
      return writeLines(short.bytes, .anywhere, type, x: x, y: y, on: &canvas)
    }
    return writeLines(bytes, breaks, type, x: x, y: y, on: &canvas)
  }

  private func writeLines(
    _ bytes: borrowing Span<UInt8>, _ breaks: LineBreaks, _ type: TypeSize,
    x: Int, y: Int, on canvas: inout some Canvas & ~Copyable
  ) -> Int {
    let columns = breaks.balanced(bytes, columns: type.columns(in: width))
    var y = y
    var start = 0
    while start < bytes.count {
      let end = breaks.end(of: bytes, from: start, columns: columns)
      var last = end
      while last > start, bytes[last - 1] == UInt8(ascii: " ") { last -= 1 }
      let indent = isCentred ? (width - (last - start) * type.width) / 2 : 0
      canvas.write(bytes.extracting(start..<last), type, x: x + indent, y: y)
      y += type.height
      start = end
    }
    return y
  }
}
