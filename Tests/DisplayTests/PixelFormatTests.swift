import Bytes
import Linux
import Testing

@testable import Display

@Suite struct PixelFormatTests {
  typealias Field = FramebufferMode.BitField

  static func mode(
    _ bits: Int, red: Field, green: Field, blue: Field, stride: Int? = nil, width: Int = 13
  ) -> FramebufferMode {
    let stride = stride ?? (width * bits + 7) / 8
    return FramebufferMode(
      width: width, height: 5, bitsPerPixel: bits, stride: stride, memoryLength: stride * 5,
      red: red, green: green, blue: blue)
  }

  static func field(_ offset: Int, _ length: Int) -> Field { Field(offset: offset, length: length) }

  static func opaque(_ mode: FramebufferMode, _ field: Field) -> FramebufferMode {
    var mode = mode
    mode.transparency = field
    return mode
  }

  static let rgb565 = mode(16, red: field(11, 5), green: field(5, 6), blue: field(0, 5))
  static let rgb555 = mode(16, red: field(10, 5), green: field(5, 5), blue: field(0, 5))
  static let rgb888 = mode(24, red: field(16, 8), green: field(8, 8), blue: field(0, 8))
  static let xrgb = mode(32, red: field(16, 8), green: field(8, 8), blue: field(0, 8))
  static let xbgr = mode(32, red: field(0, 8), green: field(8, 8), blue: field(16, 8))
  static let rgbx = mode(32, red: field(24, 8), green: field(16, 8), blue: field(8, 8))
  static let deep = mode(32, red: field(20, 10), green: field(10, 10), blue: field(0, 10))

  @Test(arguments: [
    (rgb565, UInt32(0), UInt32(0xFFFF)), (rgb555, 0, 0x7FFF),
    (opaque(rgb555, field(15, 1)), 0x8000, 0xFFFF), (rgb888, 0, 0xFF_FFFF),
    (xrgb, 0, 0xFF_FFFF), (opaque(xrgb, field(24, 8)), 0xFF00_0000, 0xFFFF_FFFF),
    (xbgr, 0, 0xFF_FFFF), (rgbx, 0, 0xFFFF_FF00), (deep, 0, 0x3FFF_FFFF),
  ]) func coloursComeFromTheBitFields(_ mode: FramebufferMode, _ ink: UInt32, _ paper: UInt32)
    throws
  {
    let format = try PixelFormat(mode)
    #expect(format.ink == ink)
    #expect(format.paper == paper)
    try expectPicture(mode)
  }

  @Test func fifteenBitsTakeTwoBytes() throws {
    var mode = PixelFormatTests.rgb555
    mode.bitsPerPixel = 15
    let format = try PixelFormat(mode)
    #expect(format.bitsPerPixel == 16)
    #expect(format.paper == 0x7FFF)
  }

  @Test(arguments: [rgb565, rgb888, xrgb, xbgr])
  func strideAndOffsetsAreHonoured(_ mode: FramebufferMode) throws {
    var mode = mode
    // An odd stride for 24 bits, and rows that don't begin on a multiple of four.
    mode.stride += mode.bitsPerPixel / 8 * 9 + 2
    mode.xOffset = 3
    mode.yOffset = 7
    mode.memoryLength = mode.stride * 12
    try expectPicture(mode)
  }

  @Test(arguments: [FramebufferMode.Visual.blackOnZero, .whiteOnZero], [0, 3, 8])
  func oneBit(_ visual: FramebufferMode.Visual, _ xOffset: Int) throws {
    let none = Field(offset: 0, length: 1)
    var mode = PixelFormatTests.mode(1, red: none, green: none, blue: none, stride: 4)
    mode.visual = visual
    mode.xOffset = xOffset
    try expectPicture(mode)
  }

  @Test func greyLevels() throws {
    let field = Field(offset: 0, length: 8)
    var mode = PixelFormatTests.mode(8, red: field, green: field, blue: field, stride: 20)
    mode.greyscale = 1
    try expectPicture(mode)
    mode.visual = .palette
    try expectPicture(mode)
    let format = try PixelFormat(mode)
    #expect(format.ink == 0 && format.paper == 0xFF)
  }

  @Test func paletteGivesItsDarkestAndLightest() throws {
    let field = Field(offset: 0, length: 8)
    var mode = PixelFormatTests.mode(8, red: field, green: field, blue: field)
    mode.visual = .palette
    var brightness = InlineArray<256, UInt16>(repeating: 0x4000)
    brightness[17] = 0xFFFF
    brightness[200] = 0
    let format = try PixelFormat(mode, brightness: brightness.span)
    #expect(format.ink == 200 && format.paper == 17)
    #expect(throws: UnsupportedFramebuffer.palette) { try PixelFormat(mode) }
    let dull = InlineArray<256, UInt16>(repeating: 0x4000)
    #expect(throws: UnsupportedFramebuffer.palette) { try PixelFormat(mode, brightness: dull.span) }
  }

  @Test func whatItCannotDoHasAName() {
    func refused(_ change: (inout FramebufferMode) -> Void) -> UnsupportedFramebuffer? {
      var mode = PixelFormatTests.xrgb
      change(&mode)
      do { _ = try PixelFormat(mode) } catch { return error }
      return nil
    }
    #expect(refused { $0.layout = .other(1) } == .layout(1))
    #expect(refused { $0.visual = .other(9) } == .visual(9))
    #expect(refused { $0.nonStandard = 1 } == .nonStandard)
    #expect(refused { $0.greyscale = 0x3231_564E } == .nonStandard)
    #expect(refused { $0.bitsPerPixel = 4 } == .bitsPerPixel(4))
    #expect(refused { $0.bitsPerPixel = 12 } == .bitsPerPixel(12))
    #expect(refused { $0.red.length = 0 } == .bitFields)
    #expect(refused { $0.green.offset = 25 } == .bitFields)
    #expect(refused { $0.blue.offset = -1 } == .bitFields)
    #expect(refused { $0.red.length = Int.max } == .bitFields)
    #expect(refused { $0.visual = .whiteOnZero } == .bitsPerPixel(32))
    #expect(refused { $0.width = 0 } != nil)
    #expect(refused { $0.height = 0 } != nil)
    #expect(refused { $0.yOffset = 1 } == .memory(needed: 312, available: 260))
    #expect(refused { $0.xOffset = 1 } == .memory(needed: 264, available: 260))
    #expect(refused { $0.width = 14 } == .memory(needed: 264, available: 260))
    #expect(refused { $0.width = 70_000 } == .tooWide(pixels: 70_000))
  }

  /// Writes a pattern and reads it back from where the kernel would look; nothing else may change.
  private func expectPicture(_ mode: FramebufferMode) throws {
    let format = try PixelFormat(mode)
    let panel = Size(width: mode.width, height: mode.height)
    let bits = Memory(panel)
    var bitmap = Bitmap(panel: panel, on: Canvas(bits.bytes))!
    for (x, y) in [(0, 0), (12, 0), (5, 2), (6, 2), (7, 3), (0, 4), (12, 4)] {
      bitmap.fill(Rectangle(x: x, y: y, width: 1, height: 1), .ink)
    }
    let memory = Memory(count: mode.memoryLength)
    format.write(bitmap, to: memory.bytes)
    var expected = [UInt8](repeating: 0xA5, count: mode.memoryLength)
    for y in 0..<panel.height {
      for x in 0..<panel.width {
        let value = bitmap.isInk(x: x, y: y) ? format.ink : format.paper
        for bit in 0..<format.bitsPerPixel {
          let place =
            ((y + mode.yOffset) * mode.stride) * 8
            + (x + mode.xOffset) * format.bitsPerPixel + bit
          let mask = UInt8(1) << (place % 8)
          if value >> bit & 1 == 1 {
            expected[place / 8] |= mask
          } else {
            expected[place / 8] &= ~mask
          }
        }
      }
    }
    #expect(Array(memory.bytes) == expected)
  }
}
