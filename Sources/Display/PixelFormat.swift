public import Bytes
public import Linux

/// What about a framebuffer this program can't paint.
public enum UnsupportedFramebuffer: Error, Equatable, Sendable {
  /// Pixels don't lie packed beside each other; the kernel's `FB_TYPE_…`.
  case layout(Int)
  /// The kernel's `FB_VISUAL_…`.
  case visual(Int)
  /// A FourCC or a driver's own pixel format.
  case nonStandard
  /// A number of bits per pixel that goes with no format known here.
  case bitsPerPixel(Int)
  /// Red, green or blue is missing or lies outside of the pixel.
  case bitFields
  /// All colours of the palette look alike, or it can't be read.
  case palette
  /// A row does not fit into the painting memory.
  case tooWide(pixels: Int)
  /// The picture, as the mode describes it, ends outside of the memory; in bytes.
  case memory(needed: Int, available: Int)
}

extension ByteSink where Self: ~Copyable {
  /// Appends the reason in words.
  public mutating func append(_ reason: UnsupportedFramebuffer) {
    switch reason {
    case .layout(let type): append("its pixels are not packed, type ", type)
    case .visual(let visual): append("its visual is not known: ", visual)
    case .nonStandard: append("it has a pixel format of its own")
    case .bitsPerPixel(let bits): append("its bits per pixel are ", bits)
    case .bitFields: append("its bit fields for red, green and blue make no pixel")
    case .palette: append("its palette has no light and dark colours")
    case .tooWide(let pixels): append("its width in pixels is ", pixels)
    case .memory(let needed, let available):
      append("its picture takes ", needed)
      append(" bytes and it has ", available)
    }
  }

  private mutating func append(_ words: StaticString, _ number: Int) {
    append(words)
    append(decimal: Int64(number))
  }
}

/// How black and white are written into a framebuffer's memory. Pure: made from what the kernel
/// says about the mode, never from the bits per pixel alone.
public struct PixelFormat: Equatable, Sendable {
  /// The pixels of a row that one band of a framebuffer's bitmap can hold.
  static let widestRow = 2048 * 8

  /// 1, 8, 16, 24 or 32.
  public let bitsPerPixel: Int
  /// The value of a black pixel.
  public let ink: UInt32
  /// The value of a white pixel.
  public let paper: UInt32
  /// Bytes from one row to the next.
  public let stride: Int
  /// The visible picture in pixels.
  public let size: Size
  /// Where the visible picture begins: bytes from the start of the memory, and for one bit per
  /// pixel the bits beyond that.
  let firstByte: Int
  let firstBit: Int

  /// - Parameter brightness: of the palette's entries, for a mode that has a palette; empty where
  ///   nobody knows.
  public init(
    _ mode: FramebufferMode, brightness: borrowing Span<UInt16> = Span()
  ) throws(UnsupportedFramebuffer) {
    if case .other(let type) = mode.layout { throw .layout(type) }
    if mode.nonStandard != 0 || mode.greyscale > 1 { throw .nonStandard }
    // Some drivers count the used bits only.
    bitsPerPixel = mode.bitsPerPixel == 15 ? 16 : mode.bitsPerPixel
    switch mode.visual {
    case .blackOnZero, .whiteOnZero:
      guard mode.bitsPerPixel == 1 else { throw .bitsPerPixel(mode.bitsPerPixel) }
      if case .blackOnZero = mode.visual { (ink, paper) = (1, 0) } else { (ink, paper) = (0, 1) }
    case .palette:
      guard mode.bitsPerPixel == 8 else { throw .bitsPerPixel(mode.bitsPerPixel) }
      (ink, paper) = try PixelFormat.extremes(brightness, isGreyscale: mode.greyscale == 1)
    case .trueColour:
      (ink, paper) = try PixelFormat.colours(mode, bitsPerPixel)
    case .other(let visual):
      throw .visual(visual)
    }
    guard mode.width <= PixelFormat.widestRow else { throw .tooWide(pixels: mode.width) }
    stride = mode.stride
    size = Size(width: mode.width, height: mode.height)
    let bitOffset = mode.xOffset * bitsPerPixel
    firstByte = mode.yOffset * mode.stride + bitOffset / 8
    firstBit = bitOffset % 8
    let rowLength = (firstBit + mode.width * bitsPerPixel + 7) / 8
    let needed = firstByte + (mode.height - 1) * mode.stride + rowLength
    guard mode.width > 0, mode.height > 0, rowLength <= stride, needed <= mode.memoryLength else {
      throw .memory(needed: max(needed, rowLength), available: mode.memoryLength)
    }
  }

  private static func colours(
    _ mode: FramebufferMode, _ bits: Int
  ) throws(UnsupportedFramebuffer) -> (ink: UInt32, paper: UInt32) {
    guard bits == 8 || bits == 16 || bits == 24 || bits == 32 else { throw .bitsPerPixel(bits) }
    // An 8-bit grey ramp may come without bit fields.
    if bits == 8, mode.greyscale == 1 { return (0, 0xFF) }
    guard let red = mode.red.mask(in: bits), let green = mode.green.mask(in: bits),
      let blue = mode.blue.mask(in: bits), red != 0, green != 0, blue != 0
    else { throw .bitFields }
    // A pixel that is see-through would show nothing.
    let opaque = mode.transparency.mask(in: bits) ?? 0
    return (opaque, opaque | red | green | blue)
  }

  /// The darkest and the lightest colour of the palette.
  private static func extremes(
    _ brightness: borrowing Span<UInt16>, isGreyscale: Bool
  ) throws(UnsupportedFramebuffer) -> (ink: UInt32, paper: UInt32) {
    if brightness.isEmpty {
      if isGreyscale { return (0, 0xFF) }
      throw .palette
    }
    var darkest = 0
    var lightest = 0
    for index in brightness.indices {
      if brightness[index] < brightness[darkest] { darkest = index }
      if brightness[index] > brightness[lightest] { lightest = index }
    }
    // Half of the range: a phone's camera tells that apart in bad light too.
    guard brightness[lightest] - brightness[darkest] >= 0x8000 else { throw .palette }
    return (UInt32(truncatingIfNeeded: darkest), UInt32(truncatingIfNeeded: lightest))
  }

  /// Writes the rows that the bitmap holds to where they belong in the framebuffer's memory.
  func write(_ bitmap: borrowing Bitmap, to memory: borrowing MappedMemory) {
    unsafe write(bitmap, to: memory.bytes)
  }

  /// Writes them to memory that a test has, too.
  ///
  /// - Parameter memory: all of the device's memory, as long as the mode said.
  func write(_ bitmap: borrowing Bitmap, to memory: UnsafeMutableRawBufferPointer) {
    for y in bitmap.rows {
      var bit = (firstByte &+ y &* stride) &* 8 &+ firstBit
      for x in 0..<size.width {
        unsafe write(bitmap.isInk(x: x, y: y) ? ink : paper, memory, bit)
        bit &+= bitsPerPixel
      }
    }
  }

  /// Writes a pixel, the lowest byte first: pixels are little-endian.
  private func write(_ value: UInt32, _ memory: UnsafeMutableRawBufferPointer, _ bit: Int) {
    let byte = bit &>> 3
    if bitsPerPixel == 1 {
      // The kernel's own drawing puts the leftmost pixel into the lowest bit on a little-endian
      // machine, and so do its drivers for such panels (ssd1307fb).
      let mask: UInt8 = 1 &<< UInt8(truncatingIfNeeded: bit & 7)
      let old = unsafe memory[byte]
      unsafe memory[byte] = value == 1 ? old | mask : old & ~mask
    } else if bitsPerPixel == 32, byte & 3 == 0 {
      // At once: the memory of a panel may lie behind a slow bus. Our machines are little-endian.
      unsafe (memory.baseAddress! + byte).assumingMemoryBound(to: UInt32.self).pointee = value
    } else {
      var rest = value
      for index in 0..<(bitsPerPixel &>> 3) {
        unsafe memory[byte &+ index] = UInt8(truncatingIfNeeded: rest)
        rest = rest &>> 8
      }
    }
  }
}

extension FramebufferMode.BitField {
  /// The field's bits; nil where it does not lie inside of a pixel of so many bits.
  func mask(in bits: Int) -> UInt32? {
    guard offset >= 0, length >= 0, offset <= bits, length <= bits - offset else { return nil }
    if length == 32 { return UInt32.max }
    let ones: UInt32 = (1 &<< UInt32(truncatingIfNeeded: length)) - 1
    return ones &<< UInt32(truncatingIfNeeded: offset)
  }
}
