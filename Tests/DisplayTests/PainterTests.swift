import Bytes
import QR
import Testing

@testable import Display

@Suite struct PainterTests {
  @Test(arguments: sizes, rotations) func modulesAreTheEncodersAndTheQuietZoneIsLight(
    _ panel: Size, _ rotation: Rotation
  ) throws {
    for code in [webex, plain] {
      let size = rotation.applied(to: panel)
      var painter = Painter(size: size)
      painter.prepare(.code(code))
      let memory = Memory(panel)
      var bitmap = Bitmap(panel: panel, rotation: rotation, memory: memory.bytes)!
      painter.paint(&bitmap)
      let pixels = Pixels(bitmap, panel: panel, rotation: rotation)
      let planned = painter.layout
      let layout = try #require(planned)
      let module = layout.module
      try #require(module > 0)
      let payload =
        code.verificationURIComplete.isEmpty
        ? string(code.verificationURI) : string(code.verificationURIComplete)
      let bytes = Array(payload.utf8)
      let medium = try QRCode(bytes.span, .medium)
      let low = try QRCode(bytes.span, .low)
      let width = layout.symbol.width / module - 2 * QRCode.quietZone
      #expect(width == medium.width || width == low.width)
      var wrong = 0
      for row in 0..<(width + 2 * QRCode.quietZone) {
        for column in 0..<(width + 2 * QRCode.quietZone) {
          let area = Rectangle(
            x: layout.symbol.x + column * module, y: layout.symbol.y + row * module,
            width: module, height: module)
          let isDark =
            width == medium.width
            ? medium.isDarkWithQuietZone(column, row) : low.isDarkWithQuietZone(column, row)
          if !pixels.all(area, are: isDark) { wrong += 1 }
        }
      }
      #expect(wrong == 0)
    }
  }

  @Test(arguments: sizes) func userCodeIsReadableAndLargest(_ size: Size) throws {
    for code in [webex, plain] {
      var painter = Painter(size: size)
      painter.prepare(.code(code))
      let planned = painter.layout
      let layout = try #require(planned)
      let memory = Memory(size)
      var bitmap = Bitmap(panel: size, memory: memory.bytes)!
      painter.paint(&bitmap)
      let pixels = Pixels(bitmap, panel: size, rotation: .none)
      #expect(layout.text.code.height >= layout.text.body.height)
      #expect(finds(string(code.userCode), layout.text.code, in: pixels))
    }
  }

  /// Whether the text stands somewhere in that size.
  private func finds(_ string: String, _ type: TypeSize, in pixels: Pixels) -> Bool {
    let text = Array(string.utf8)
    // Most places are ruled out by the first pixel of ink.
    let probe = (0..<type.width * type.height).first {
      type.face.isInk(text[0], x: $0 % type.width / type.scale, y: $0 / type.width / type.scale)
    }!
    for y in 0...(pixels.size.height - type.height) {
      for x in 0...(pixels.size.width - text.count * type.width)
      where pixels[x + probe % type.width, y + probe / type.width] {
        if pixels.shows(text, type, x: x, y: y) { return true }
      }
    }
    return false
  }

  static let hostile: [SignInCode] = {
    let long = String(repeating: "A", count: 64)
    let escape = "\u{1B}[2J\u{1B}]0;x\u{7}\r\n\t"
    return [
      SignInCode(
        userCode: text([UInt8](repeating: 0xFF, count: 64)),
        verificationURI: text([UInt8](repeating: 0x80, count: 512)),
        verificationURIComplete: text([UInt8](repeating: 0xFE, count: 1024)),
        title: text([UInt8](repeating: 0xC3, count: 64)), secondsLeft: .max, lifetimeSeconds: 1),
      SignInCode(
        userCode: text(long), verificationURI: text(String(repeating: "https://", count: 64)),
        verificationURIComplete: text(String(repeating: "a", count: 1024)),
        title: text(long), secondsLeft: .min, lifetimeSeconds: .max),
      SignInCode(
        userCode: text(escape), verificationURI: text("\u{202E}moc.elpmaxe//:sptth" + escape),
        title: text("\u{202E}" + escape), secondsLeft: -5, lifetimeSeconds: 0),
      SignInCode(userCode: "", verificationURI: "", secondsLeft: 0, lifetimeSeconds: -1),
      SignInCode(userCode: " ", verificationURI: text(String(repeating: " ", count: 512))),
      SignInCode(userCode: text(String(repeating: "-", count: 64)), verificationURI: "x"),
    ]
  }()

  static let messages: [Screen] = [
    .blank, .starting("Reading the configuration"), .waiting("No network"),
    .waiting(text(String(repeating: "abc ", count: 32))), .approved(name: nil),
    .approved(name: text("Zoë\u{1B}[31m \u{202E}Müller")),
    .approved(name: text(String(repeating: "W", count: 128))), .denied(newCodeFollows: true),
    .denied(newCodeFollows: false), .expired(newCodeFollows: true),
    .expired(newCodeFollows: false), .failed(text(String(repeating: "x", count: 256))),
    .failed(text([UInt8](repeating: 0xE2, count: 256))), .failed(""),
  ]

  @Test(arguments: sizes + largeSizes) func nothingIsPaintedOutside(_ size: Size) {
    let screens =
      ([webex, plain] + PainterTests.hostile).map { Screen.code($0) } + PainterTests.messages
    for screen in screens {
      var painter = Painter(size: size)
      painter.prepare(screen)
      var recorder = Recorder(size)
      painter.paint(&recorder)
      guard let inked = recorder.inked else { continue }
      #expect(inked.x >= 0 && inked.y >= 0, "\(screen)")
      #expect(inked.x + inked.width <= size.width, "\(screen)")
      #expect(inked.y + inked.height <= size.height, "\(screen)")
    }
  }

  @Test func everySizeBetweenIsSafe() {
    let sides = [1, 2, 7, 8, 16, 31, 48, 64, 97, 128, 200, 333]
    for width in sides {
      for height in sides {
        for screen in [Screen.code(webex), .code(PainterTests.hostile[0])] + PainterTests.messages {
          let size = Size(width: width, height: height)
          var painter = Painter(size: size)
          painter.prepare(screen)
          let memory = Memory(size)
          var bitmap = Bitmap(panel: size, memory: memory.bytes)!
          painter.paint(&bitmap)
        }
      }
    }
  }

  @Test func whereTheURIHasNoRoomItTakesTurns() throws {
    let address = "https://login.example-identity-provider.co.uk/tenants/0123456789abcdef/verify"
    var code = SignInCode(
      userCode: "ABCDEFGH", verificationURI: text(address),
      verificationURIComplete: text(address + "?user_code=ABCDEFGH"), secondsLeft: 300)
    let size = Size(width: 128, height: 64)
    var painter = Painter(size: size)
    var pictures: [[UInt8]] = []
    for secondsLeft in [Int64(300), 296, 291, 284, 283] {
      code.secondsLeft = secondsLeft
      painter.prepare(.code(code))
      let memory = Memory(size)
      var bitmap = Bitmap(panel: size, memory: memory.bytes)!
      painter.paint(&bitmap)
      pictures.append(Array(memory.bytes))
      let pixels = Pixels(bitmap, panel: size, rotation: .none)
      let isOther = pictures.last != pictures.first
      let shown = isOther ? painter.otherLayout : painter.layout
      let layout = try #require(shown)
      #expect(finds("ABCDEFGH", layout.text.code, in: pixels))
      #expect(isOther == (layout.module == 0))
    }
    #expect(pictures[0] == pictures[1])
    #expect(pictures[1] != pictures[2])
    #expect(pictures[3] == pictures[0])
  }

  @Test func withoutRoomForTheQRCodeTheTextIsThere() throws {
    var painter = Painter(size: Size(width: 64, height: 32))
    painter.prepare(.code(webex))
    let planned = painter.layout
    let layout = try #require(planned)
    #expect(layout.module == 0)
    let bytes = string(webex.userCode)
    let memory = Memory(Size(width: 64, height: 32))
    var bitmap = Bitmap(panel: Size(width: 64, height: 32), memory: memory.bytes)!
    painter.paint(&bitmap)
    let pixels = Pixels(bitmap, panel: Size(width: 64, height: 32), rotation: .none)
    #expect(finds(bytes, layout.text.code, in: pixels))
  }

  @Test func aSecondChangesTheTimeOnly() throws {
    let size = Size(width: 800, height: 480)
    var painter = Painter(size: size)
    var pictures: [[UInt8]] = []
    var code = webex
    for secondsLeft in [Int64(272), 271] {
      code.secondsLeft = secondsLeft
      painter.prepare(.code(code))
      let memory = Memory(size)
      var bitmap = Bitmap(panel: size, memory: memory.bytes)!
      painter.paint(&bitmap)
      pictures.append(Array(memory.bytes))
    }
    let changed = (0..<480).filter { row in
      let bytes = row * 100..<(row + 1) * 100
      return pictures[0][bytes] != pictures[1][bytes]
    }
    #expect(!changed.isEmpty)
    #expect(changed.last! - changed.first! < 64)
  }
}
