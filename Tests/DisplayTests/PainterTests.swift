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
      let words = painter.prepare(.code(code))
      let memory = Memory(panel)
      var bitmap = Bitmap(panel: panel, rotation: rotation, on: Canvas(memory.bytes))!
      painter.paint(words, on: &bitmap)
      let pixels = Pixels(bitmap, panel: panel, rotation: rotation)
      let layout = painter.layout
      let module = layout.module
      try #require(module > 0)
      let payload =
        code.verificationURIComplete.isEmpty
        ? string(code.verificationURI) : string(code.verificationURIComplete)
      let bytes = Array(payload.utf8)
      let medium = try QRCode(bytes.span, .medium)
      let low = try QRCode(bytes.span, .low)
      let width = layout.side / module - 2 * QRCode.quietZone
      #expect(width == medium.width || width == low.width)
      var wrong = 0
      for row in 0..<(width + 2 * QRCode.quietZone) {
        for column in 0..<(width + 2 * QRCode.quietZone) {
          let area = Rectangle(
            x: layout.symbolX + column * module, y: layout.symbolY + row * module,
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
      let words = painter.prepare(.code(code))
      let layout = painter.layout
      let memory = Memory(size)
      var bitmap = Bitmap(panel: size, on: Canvas(memory.bytes))!
      painter.paint(words, on: &bitmap)
      let pixels = Pixels(bitmap, panel: size, rotation: .none)
      #expect(layout.text.code.height >= layout.text.body.height)
      #expect(PainterTests.finds(string(code.userCode), layout.text.code, in: pixels))
    }
  }

  @Test(arguments: sizes) func theHostsNameIsInOnePiece(_ size: Size) throws {
    for host in ["login.accounts.example-company.com", "id.example.com", "id-r.example.com"] {
      let uri = "https://\(host)/common/oauth2/deviceauth"
      var code = SignInCode(userCode: "WDJB-MJHT", verificationURI: text(uri))
      code.verificationURIComplete.append(Array("\(uri)?user_code=WDJB-MJHT".utf8).span)
      var painter = Painter(size: size)
      let words = painter.prepare(.code(code))
      let layout = painter.layout.text
      // Then the URI takes turns with this, on a page of its own.
      if layout.contents == .none || layout.shortens { continue }
      let memory = Memory(size)
      var bitmap = Bitmap(panel: size, on: Canvas(memory.bytes))!
      painter.paint(words, on: &bitmap)
      let pixels = Pixels(bitmap, panel: size, rotation: .none)
      #expect(PainterTests.finds(host, layout.body, in: pixels), "\(host)")
    }
  }

  /// Whether the text stands somewhere in that size.
  static func finds(_ string: String, _ type: TypeSize, in pixels: Pixels) -> Bool {
    let pattern = Pixels(text: Array(string.utf8), type)
    // Most places are ruled out by the first pixel of ink.
    let probe = (0..<type.width * type.height).first {
      pattern[$0 % type.width, $0 / type.width]
    }!
    let (column, row) = (probe % type.width, probe / type.width)
    for y in 0...max(0, pixels.size.height - type.height) {
      for x in 0...max(0, pixels.size.width - pattern.size.width)
      where pixels[x + column, y + row] {
        if pixels.shows(pattern, x: x, y: y) { return true }
      }
    }
    return false
  }

  static func code(
    _ userCode: [UInt8], _ uri: [UInt8], complete: [UInt8] = [], title: [UInt8] = [],
    secondsLeft: Int64? = nil, lifetimeSeconds: Int64? = nil
  ) -> SignInCode {
    var code = SignInCode(userCode: text(userCode), verificationURI: text(uri))
    code.verificationURIComplete = text(complete)
    code.title = text(title)
    code.secondsLeft = secondsLeft
    code.lifetimeSeconds = lifetimeSeconds
    return code
  }

  static let hostile: [SignInCode] = {
    let long = [UInt8](repeating: 0x41, count: 256)
    let escape = "\u{1B}[2J\u{1B}]0;x\u{7}\r\n\t"
    return [
      code(
        [UInt8](repeating: 0xFF, count: 256), [UInt8](repeating: 0x80, count: 1024),
        complete: [UInt8](repeating: 0xFE, count: 2048), title: [UInt8](repeating: 0xC3, count: 64),
        secondsLeft: .max, lifetimeSeconds: 1),
      code(
        long, Array(String(repeating: "https://", count: 128).utf8),
        complete: [UInt8](repeating: 0x61, count: 2048), title: long, secondsLeft: .min,
        lifetimeSeconds: .max),
      code(
        Array(escape.utf8), Array(("\u{202E}moc.elpmaxe//:sptth" + escape).utf8),
        title: Array(("\u{202E}" + escape).utf8), secondsLeft: -5, lifetimeSeconds: 0),
      code([], [], secondsLeft: 0, lifetimeSeconds: -1),
      code([0x20], [UInt8](repeating: 0x20, count: 1024)),
      code([UInt8](repeating: 0x2D, count: 256), [0x78]),
    ]
  }()

  static let messages: [Screen] = [
    .blank, .starting("Reading the configuration"), .waiting("No network"),
    .waiting(text(String(repeating: "abc ", count: 32))), .waiting("", secondsToRetry: .max),
    .approved(name: nil),
    .approved(
      name: text("Zoë\u{1B}[31m \u{202E}Müller"), note: text("since\u{1B}[2J\n12:03 \u{85}")),
    .approved(name: text(String(repeating: "W", count: 128))),
    .approved(
      name: text(String(repeating: "Wolf ", count: 51)),
      note: text(String(repeating: "note ", count: 51))),
    .approved(name: nil, note: text(String(repeating: "n", count: 256))),
    .denied(secondsToNewCode: 58), .denied(secondsToNewCode: nil), .expired(secondsToNewCode: .max),
    .expired(secondsToNewCode: nil), .failed(text(String(repeating: "x", count: 256))),
    .failed(text([UInt8](repeating: 0xE2, count: 256)), secondsToRetry: .min), .failed(""),
    .failed("", secondsToRetry: 0), .invitation(title: ""), .invitation(title: "Sign in to Webex"),
    .invitation(title: text(String(repeating: "Sign in", count: 9))),
    .invitation(title: text([UInt8](repeating: 0x1B, count: 64))),
  ]

  @Test(arguments: sizes + largeSizes) func nothingIsPaintedOutside(_ size: Size) {
    let screens =
      ([webex, plain] + PainterTests.hostile).map { Screen.code($0) } + PainterTests.messages
    for screen in screens {
      var painter = Painter(size: size)
      let words = painter.prepare(screen)
      // A panel with room on the right and below, where all that does not fit would show.
      let panel = Size(width: size.width + 64, height: size.height + 64)
      let memory = Memory(panel)
      var bitmap = Bitmap(panel: panel, on: Canvas(memory.bytes))!
      painter.paint(words, on: &bitmap)
      let outside = (0..<panel.height).contains { y in
        ((y < size.height ? size.width : 0)..<panel.width).contains { x in
          bitmap.isInk(x: x, y: y)
        }
      }
      #expect(!outside, "\(screen.kind)")
    }
  }

  @Test func everySizeBetweenIsSafe() {
    let sides = [1, 2, 7, 8, 16, 31, 48, 64, 97, 128, 200, 333]
    for width in sides {
      for height in sides {
        for screen in [Screen.code(webex), .code(PainterTests.hostile[0])] + PainterTests.messages {
          let size = Size(width: width, height: height)
          var painter = Painter(size: size)
          let words = painter.prepare(screen)
          let memory = Memory(size)
          var bitmap = Bitmap(panel: size, on: Canvas(memory.bytes))!
          painter.paint(words, on: &bitmap)
        }
      }
    }
  }

  @Test func whereTheURIHasNoRoomItTakesTurns() throws {
    let address = "https://login.example-identity-provider.co.uk/tenants/0123456789abcdef/verify"
    var code = SignInCode(userCode: "ABCDEFGH", verificationURI: text(address))
    code.verificationURIComplete = text(address + "?user_code=ABCDEFGH")
    let size = Size(width: 128, height: 64)
    var painter = Painter(size: size)
    var pictures: [[UInt8]] = []
    for secondsLeft in [Int64(300), 296, 291, 284, 283] {
      code.secondsLeft = secondsLeft
      let words = painter.prepare(.code(code))
      let memory = Memory(size)
      var bitmap = Bitmap(panel: size, on: Canvas(memory.bytes))!
      painter.paint(words, on: &bitmap)
      pictures.append(Array(memory.bytes))
      let pixels = Pixels(bitmap, panel: size, rotation: .none)
      let isOther = pictures.last != pictures.first
      let layout = isOther ? painter.otherLayout : painter.layout
      #expect(PainterTests.finds("ABCDEFGH", layout.text.code, in: pixels))
      #expect(isOther == (layout.module == 0))
    }
    #expect(pictures[0] == pictures[1])
    #expect(pictures[1] != pictures[2])
    #expect(pictures[3] == pictures[0])
  }

  @Test func whatACameraCanNotResolveGivesWayToTheShortURI() {
    let uri = "https://oauth.example.com/verify"
    for (length, isComplete) in [(40, true), (1000, false), (2000, false)] {
      var code = SignInCode(userCode: "WDJB-MJHT", verificationURI: text(uri))
      code.verificationURIComplete = text(uri + "?" + String(repeating: "a", count: length))
      var painter = Painter(size: Size(width: 320, height: 240))
      _ = painter.prepare(.code(code))
      #expect(painter.layout.module >= (isComplete ? 2 : 4), "\(length)")
    }
  }

  @Test func withoutRoomForTheQRCodeTheTextIsThere() throws {
    var painter = Painter(size: Size(width: 64, height: 32))
    let words = painter.prepare(.code(webex))
    let layout = painter.layout
    #expect(layout.module == 0)
    let bytes = string(webex.userCode)
    let memory = Memory(Size(width: 64, height: 32))
    var bitmap = Bitmap(panel: Size(width: 64, height: 32), on: Canvas(memory.bytes))!
    painter.paint(words, on: &bitmap)
    let pixels = Pixels(bitmap, panel: Size(width: 64, height: 32), rotation: .none)
    #expect(PainterTests.finds(bytes, layout.text.code, in: pixels))
  }

  @Test func aSecondChangesTheTimeOnly() throws {
    let size = Size(width: 800, height: 480)
    var painter = Painter(size: size)
    var pictures: [[UInt8]] = []
    var code = webex
    for secondsLeft in [Int64(272), 271] {
      code.secondsLeft = secondsLeft
      let words = painter.prepare(.code(code))
      let memory = Memory(size)
      var bitmap = Bitmap(panel: size, on: Canvas(memory.bytes))!
      painter.paint(words, on: &bitmap)
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
