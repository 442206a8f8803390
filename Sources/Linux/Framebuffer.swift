internal import CLinux

/// A framebuffer device (fbdev), such as `/dev/fb0`.
public struct Framebuffer: ~Copyable {
  private let file: FileDescriptor

  public let mode: FramebufferMode

  /// Takes over the open device and reads its mode.
  ///
  /// - Throws: `ENOTTY` where the file is not a framebuffer.
  ///
  /// The corresponding requests are `FBIOGET_VSCREENINFO` and `FBIOGET_FSCREENINFO`.
  public init(_ file: consuming FileDescriptor) throws(Errno) {
    mode = try FramebufferMode(of: file.rawValue)
    self.file = file
  }

  /// The descriptor's number, for requests of others.
  var rawValue: Int32 { file.rawValue }

  /// Reads the mode anew, which others may have changed.
  ///
  /// - Throws: `ENODEV` where the device is gone, unplugged or taken over by another driver.
  public borrowing func readMode() throws(Errno) -> FramebufferMode {
    try FramebufferMode(of: file.rawValue)
  }

  /// Maps all of the device's memory.
  public borrowing func map() throws(Errno) -> MappedMemory {
    try MappedMemory(file, length: mode.memoryLength)
  }

  /// Wakes the panel up. Not every driver can (simplefb, efifb): that is no error.
  ///
  /// The corresponding request is `FBIOBLANK`.
  public borrowing func unblank() {
    _ = clinux_fb_unblank(file.rawValue)
  }

  /// Makes one colour of the palette black and another one white.
  ///
  /// The corresponding request is `FBIOPUTCMAP`.
  ///
  /// - Returns: false where the driver does not do that.
  public borrowing func setContrast() -> Bool {
    clinux_fb_set_contrast(file.rawValue) == 0
  }

  /// Finds out how bright each of the palette's entries is.
  ///
  /// The corresponding request is `FBIOGETCMAP`.
  ///
  /// - Returns: false where the driver does not tell.
  public borrowing func readPalette(into brightness: inout InlineArray<256, UInt16>) -> Bool {
    var green = InlineArray<256, UInt16>(repeating: 0)
    var blue = InlineArray<256, UInt16>(repeating: 0)
    let count = min(256, 1 &<< mode.bitsPerPixel)
    let descriptor = file.rawValue
    var redSpan = brightness.mutableSpan
    var greenSpan = green.mutableSpan
    var blueSpan = blue.mutableSpan
    let answer = unsafe redSpan.withUnsafeMutableBufferPointer { red in
      unsafe greenSpan.withUnsafeMutableBufferPointer { green in
        unsafe blueSpan.withUnsafeMutableBufferPointer { blue in
          unsafe clinux_fb_palette(
            descriptor, red.baseAddress, green.baseAddress, blue.baseAddress, Int32(count))
        }
      }
    }
    if answer != 0 { return false }
    for index in 0..<count {
      let sum = Int(brightness[index]) * 3 + Int(green[index]) * 6 + Int(blue[index])
      brightness[index] = UInt16(truncatingIfNeeded: sum / 10)
    }
    return true
  }
}

/// How a framebuffer's memory becomes pixels: what this program needs of `fb_var_screeninfo` and
/// `fb_fix_screeninfo`.
public struct FramebufferMode: Sendable {
  /// Where a colour's bits lie in a pixel.
  public struct BitField: Equatable, Sendable {
    /// From the lowest bit of the little-endian pixel.
    public var offset: Int
    /// 0 where the pixel has no such colour.
    public var length: Int

    public init(offset: Int, length: Int) {
      self.offset = offset
      self.length = length
    }
  }

  /// Where the bits of one pixel lie in memory.
  public enum Layout: Sendable {
    /// Beside each other.
    case packed
    /// In planes, interleaved planes, text cells or a FourCC format; the kernel's `FB_TYPE_…`.
    case other(Int)
  }

  /// What a pixel's value means.
  public enum Visual: Sendable {
    /// One bit: 1 is black.
    case blackOnZero
    /// One bit: 1 is white.
    case whiteOnZero
    /// Red, green and blue in bit fields.
    case trueColour
    /// An index into a palette.
    case palette
    /// The kernel's `FB_VISUAL_…`.
    case other(Int)
  }

  /// The visible picture in pixels.
  public var width: Int
  public var height: Int
  /// Where the visible picture begins in the virtual one, in pixels.
  public var xOffset = 0
  public var yOffset = 0
  public var bitsPerPixel: Int
  /// Bytes from one row to the next.
  public var stride: Int
  /// Bytes of memory there are to map.
  public var memoryLength: Int
  public var layout = Layout.packed
  public var visual = Visual.trueColour
  /// 0 for colour, 1 for grey levels, else a FourCC code.
  public var greyscale: UInt32 = 0
  /// Not 0 for a pixel format of the driver's own.
  public var nonStandard: UInt32 = 0
  public var red: BitField
  public var green: BitField
  public var blue: BitField
  /// The opacity, where a pixel has one.
  public var transparency = BitField(offset: 0, length: 0)

  /// A packed true-colour mode without offsets.
  public init(
    width: Int, height: Int, bitsPerPixel: Int, stride: Int, memoryLength: Int, red: BitField,
    green: BitField, blue: BitField
  ) {
    self.width = width
    self.height = height
    self.bitsPerPixel = bitsPerPixel
    self.stride = stride
    self.memoryLength = memoryLength
    self.red = red
    self.green = green
    self.blue = blue
  }

  @inline(never)
  init(of descriptor: Int32) throws(Errno) {
    var variable = fb_var_screeninfo()
    var fixed = fb_fix_screeninfo()
    _ = try result { unsafe clinux_fb_variable_info(descriptor, &variable) }
    _ = try result { unsafe clinux_fb_fixed_info(descriptor, &fixed) }
    self.init(
      width: Int(variable.xres), height: Int(variable.yres),
      bitsPerPixel: Int(variable.bits_per_pixel), stride: Int(fixed.line_length),
      memoryLength: Int(fixed.smem_len), red: BitField(variable.red),
      green: BitField(variable.green), blue: BitField(variable.blue))
    transparency = BitField(variable.transp)
    xOffset = Int(variable.xoffset)
    yOffset = Int(variable.yoffset)
    greyscale = variable.grayscale
    nonStandard = variable.nonstd
    layout = Int32(fixed.type) == FB_TYPE_PACKED_PIXELS ? .packed : .other(Int(fixed.type))
    visual =
      switch Int32(fixed.visual) {
      case FB_VISUAL_MONO01: .blackOnZero
      case FB_VISUAL_MONO10: .whiteOnZero
      // Direct colour looks each field up in a ramp that the kernel sets up linear.
      case FB_VISUAL_TRUECOLOR, FB_VISUAL_DIRECTCOLOR: .trueColour
      case FB_VISUAL_PSEUDOCOLOR, FB_VISUAL_STATIC_PSEUDOCOLOR: .palette
      default: .other(Int(fixed.visual))
      }
  }
}

extension FramebufferMode.BitField {
  init(_ field: fb_bitfield) {
    self.init(offset: Int(field.offset), length: Int(field.length))
  }
}
