@testable import Display
import Bytes
import Glibc
import Linux
import QR

/// What is painted around a picture, to see what leaves it.
private let border = 8

private let sizes = [
  Size(width: 128, height: 64), Size(width: 240, height: 240), Size(width: 320, height: 240),
  Size(width: 160, height: 128), Size(width: 480, height: 272), Size(width: 128, height: 160),
  Size(width: 240, height: 320), Size(width: 800, height: 480),
]

/// The fields of an input, cut at each zero.
private struct Fields {
  private let parts: [ArraySlice<UInt8>]

  init(_ input: Input) {
    parts = Array(input).split(separator: 0, omittingEmptySubsequences: false)
  }

  func text<let capacity: Int>(_ index: Int) -> Text<capacity> {
    var text = Text<capacity>()
    if index < parts.count { for byte in parts[index] { text.append(byte) } }
    return text
  }

  /// A number; nil where there is none.
  func seconds(_ index: Int) -> Int64? {
    index < parts.count ? Int64(String(decoding: parts[index], as: UTF8.self)) : nil
  }
}

private func makeScreen(_ kind: UInt8, _ fields: Fields) -> Screen {
  switch kind % 8 {
  case 0: return .starting(fields.text(1))
  case 1: return .waiting(fields.text(1), secondsToRetry: fields.seconds(0))
  case 2: return .approved(name: fields.text(1), note: fields.text(2))
  case 3: return .denied(secondsToNewCode: fields.seconds(0))
  case 4: return .expired(secondsToNewCode: fields.seconds(0))
  case 5: return .failed(fields.text(1), secondsToRetry: fields.seconds(0))
  case 6: return .invitation(title: fields.text(1))
  default:
    var code = SignInCode(userCode: fields.text(1), verificationURI: fields.text(2))
    code.verificationURIComplete = fields.text(3)
    code.title = fields.text(4)
    code.secondsLeft = fields.seconds(0)
    code.lifetimeSeconds = fields.seconds(5)
    return .code(code)
  }
}

/// Screens with hostile words: the first byte chooses the kind, the second the panel.
func fuzzScreen(_ input: Input) {
  guard input.count >= 2 else { return }
  let screen = makeScreen(input[0], Fields(Input(rebasing: input[2...])))
  paint(screen, sizes[Int(input[1]) % sizes.count])
  let styles: [ConsoleStyle] = [
    .halfBlocks(colours: true), .halfBlocks(colours: false), .backgrounds, .plain,
  ]
  print(screen, styles[Int(input[0] >> 3) % styles.count], rows: input[1] & 0x80 == 0 ? 24 : nil)
}

private let largest = Bitmap.stride(width: 800 + border) * (480 + border)
nonisolated(unsafe) private let pixels = memory(largest)
nonisolated(unsafe) private let bandPixels = memory(largest)

private func paint(_ screen: Screen, _ size: Size) {
  var painter = Painter(size: size)
  let words = painter.prepare(screen)
  for part in [Words.Part.title, .sentence, .request, .userCode, .note, .shortTime, .uri] {
    require(isPrintable(words[part]), "words of printable ASCII")
  }
  checkSymbol(painter.layout, size)
  let panel = Size(width: size.width + border, height: size.height + border)
  var bitmap = Bitmap(panel: panel, on: Canvas(pixels))!
  painter.paint(words, on: &bitmap)
  for y in 0..<panel.height {
    for x in (y < size.height ? size.width : 0)..<panel.width {
      require(!bitmap.isInk(x: x, y: y), "nothing is painted outside of the picture")
    }
  }
  var top = 0
  while top < panel.height {
    let rows = top..<min(top + 24, panel.height)
    var band = Bitmap(panel: panel, rows: rows, on: Canvas(bandPixels))!
    painter.paint(words, on: &band)
    let start = top * bitmap.stride
    let isSame = band.bytes.equals(bitmap.bytes.extracting(start..<start + band.bytes.count))
    require(isSame, "bands are the picture")
    top = rows.upperBound
  }
}

private func checkSymbol(_ layout: CodeLayout, _ size: Size) {
  if layout.module == 0 { return }
  require(layout.symbolX >= 0 && layout.symbolY >= 0, "the symbol is inside")
  require(layout.symbolX + layout.side <= size.width, "the symbol is inside")
  require(layout.symbolY + layout.side <= size.height, "the symbol is inside")
}

private let console = memfd_create("console", 0)
nonisolated(unsafe) private let printed = memory(64 * 1024)

private func print(_ screen: Screen, _ style: ConsoleStyle, rows: Int?) {
  lseek(console, 0, SEEK_SET)
  var display = ConsoleDisplay(descriptor: console, style: style, columns: 80, rows: rows)
  do throws(DisplayError) { try display.show(screen, attending: Attending()) } catch {
    return require(false, "a file takes what is printed")
  }
  let count = Int(lseek(console, 0, SEEK_CUR))
  require(count <= printed.count, "no more than a symbol and its text")
  let length = pread(console, printed.baseAddress, count, 0)
  require(length == count, "what was printed is there")
  checkPrinted(Input(rebasing: printed.bindMemory(to: UInt8.self)[..<count]))
}

/// Text, lines, blocks, and colours, which are all that is printed besides.
private func checkPrinted(_ output: Input) {
  var index = 0
  while index < output.count {
    let byte = output[index]
    index += 1
    if byte.isPrintableASCII || byte == 0x0A { continue }
    if byte == 0xE2, index + 1 < output.count, output[index] == 0x96 {
      index += 2
      continue
    }
    require(byte == 0x1B && index < output.count && output[index] == 0x5B, "a colour")
    index += 1
    while index < output.count, output[index].isDigit || output[index] == 0x3B { index += 1 }
    require(index < output.count && output[index] == UInt8(ascii: "m"), "a colour ends")
    index += 1
  }
}
