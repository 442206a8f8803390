/// Memory for the pixels of pictures, which the caller owns: it outlives what is painted on it, and
/// nothing else writes to it meanwhile.
@safe public struct Canvas {
  fileprivate let memory: UnsafeMutableRawBufferPointer

  public init(_ memory: UnsafeMutableRawBufferPointer) {
    unsafe self.memory = memory
  }
}

/// A picture of one bit a pixel on a canvas, laid out as P4 wants it: rows from the top, each
/// padded to whole bytes, the leftmost pixel in the highest bit, 1 for ink.
///
/// It may hold a band of the panel's rows only: whoever has no room for the whole picture paints
/// it band by band.
@safe public struct Bitmap: ~Copyable {
  /// The panel's rows that this bitmap holds.
  public let rows: Range<Int>
  /// The bytes of one row.
  public let stride: Int
  /// The size as the person sees it, rotation applied.
  public let size: Size

  private let panel: Size
  private let rotation: Rotation
  private let memory: UnsafeMutableRawBufferPointer

  /// A bitmap that is paper all over.
  ///
  /// - Parameter panel: the size of the whole panel in pixels, before rotation.
  /// - Parameter rows: the band to hold; all rows unless given.
  /// - Returns: nil where the canvas is too small.
  public init?(
    panel: Size, rotation: Rotation = .none, rows: Range<Int>? = nil,
    on canvas: Canvas
  ) {
    let memory = unsafe canvas.memory
    let rows = rows ?? 0..<panel.height
    let stride = Bitmap.stride(width: panel.width)
    guard panel.width > 0, stride <= memory.count, rows.count <= memory.count / stride else {
      return nil
    }
    self.rows = rows
    self.stride = stride
    self.panel = panel
    self.rotation = rotation
    unsafe self.memory = UnsafeMutableRawBufferPointer(rebasing: memory[..<(stride * rows.count)])
    size = rotation.applied(to: panel)
    for index in unsafe self.memory.indices { unsafe self.memory[index] = 0 }
  }

  /// A bitmap that holds no row: what is painted on it is only measured.
  init(measuring size: Size) {
    rows = 0..<0
    stride = 0
    panel = size
    rotation = .none
    unsafe memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    self.size = size
  }

  /// Gives `body` a panel's rows from the top, band by band, each as a bitmap that is paper all
  /// over and its number: for a panel whose rows have at most `PixelFormat.widestRow` pixels.
  static func forEachBand(
    of panel: Size, _ rotation: Rotation, _ body: (_ band: inout Bitmap, _ index: Int) -> Void
  ) {
    var storage = InlineArray<2048, UInt8>(repeating: 0)
    let rowsPerBand = max(1, storage.count / stride(width: panel.width))
    var span = storage.mutableSpan
    unsafe span.withUnsafeMutableBytes { memory in
      var top = 0
      var index = 0
      while top < panel.height {
        let rows = top..<min(top + rowsPerBand, panel.height)
        guard
          var bitmap = unsafe Bitmap(
            panel: panel, rotation: rotation, rows: rows, on: Canvas(memory))
        else { return }
        body(&bitmap, index)
        top = rows.upperBound
        index += 1
      }
    }
  }

  /// The bytes of a row of `width` pixels.
  public static func stride(width: Int) -> Int { (width + 7) / 8 }

  public var bytes: Span<UInt8> {
    @_lifetime(borrow self)
    borrowing get {
      let start = unsafe memory.baseAddress?.assumingMemoryBound(to: UInt8.self)
      let pointer = unsafe UnsafeBufferPointer(start: start, count: memory.count)
      return unsafe _overrideLifetime(Span(_unsafeElements: pointer), borrowing: self)
    }
  }

  /// Whether the panel's pixel in that column and row, which the band holds, is ink.
  public func isInk(x: Int, y: Int) -> Bool {
    precondition(x >= 0 && x < panel.width && rows.contains(y))
    return unsafe memory[(y - rows.lowerBound) * stride + x / 8]
      & (0x80 &>> UInt8(truncatingIfNeeded: x % 8)) != 0
  }

  /// Whether filling that rectangle would change anything: false lets a painter skip work.
  public func isVisible(_ rectangle: Rectangle) -> Bool { !held(rectangle).isEmpty }

  /// Fills what of the rectangle lies inside.
  @inline(never)
  public mutating func fill(_ rectangle: Rectangle, _ ink: Ink) {
    let area = held(rectangle)
    if area.isEmpty { return }
    // From here on everything lies inside of the memory.
    let end = area.x &+ area.width
    var row = (area.y &- rows.lowerBound) &* stride
    for _ in 0..<area.height {
      var x = area.x
      while x < end {
        // All of a byte at once where the rectangle covers it.
        let isWhole = x & 7 == 0 && end &- x >= 8
        let mask: UInt8 = isWhole ? 0xFF : 0x80 &>> UInt8(truncatingIfNeeded: x & 7)
        let old = unsafe memory[row &+ x &>> 3]
        unsafe memory[row &+ x &>> 3] = ink == .ink ? old | mask : old & ~mask
        x &+= isWhole ? 8 : 1
      }
      row &+= stride
    }
  }

  /// Where on the panel the rectangle lies, as far as this band holds it.
  @inline(never)
  private func held(_ rectangle: Rectangle) -> Rectangle {
    let seen = rectangle.intersection(
      Rectangle(x: 0, y: 0, width: size.width, height: size.height))
    if seen.isEmpty { return seen }
    return rotation.applied(to: seen, in: size).intersection(
      Rectangle(x: 0, y: rows.lowerBound, width: panel.width, height: rows.count))
  }
}
