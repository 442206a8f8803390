import Bytes
import Testing

@testable import Display

@Suite struct BitmapTests {
  @Test(arguments: rotations) func rotationIsClockwise(_ rotation: Rotation) {
    let panel = Size(width: 20, height: 10)
    let memory = Memory(panel)
    var bitmap = Bitmap(panel: panel, rotation: rotation, on: Canvas(memory.bytes))!
    bitmap.fill(Rectangle(x: 0, y: 0, width: 1, height: 1), .ink)
    // Where the person's top left corner is, on the panel as it is mounted.
    let corner =
      switch rotation {
      case .none: (x: 0, y: 0)
      case .quarter: (x: 19, y: 0)
      case .half: (x: 19, y: 9)
      case .threeQuarters: (x: 0, y: 9)
      }
    for y in 0..<10 {
      for x in 0..<20 { #expect(bitmap.isInk(x: x, y: y) == ((x, y) == corner)) }
    }
  }

  @Test(arguments: rotations, [5, 8, 13, 16, 17]) func fillTouchesItsPixelsOnly(
    _ rotation: Rotation, _ width: Int
  ) {
    let panel = Size(width: width, height: 11)
    let size = rotation.applied(to: panel)
    for x in -2..<size.width + 2 {
      for y in [-1, 0, 3, size.height - 1, size.height] {
        for side in [0, 1, 2, 7, 9, 40] {
          let memory = Memory(panel)
          var bitmap = Bitmap(panel: panel, rotation: rotation, on: Canvas(memory.bytes))!
          let area = Rectangle(x: x, y: y, width: side, height: 2)
          bitmap.fill(area, .ink)
          let pixels = Pixels(bitmap, panel: panel, rotation: rotation)
          var isRight = true
          var count = 0
          for row in 0..<size.height {
            for column in 0..<size.width {
              let isInside = column >= x && column < x + side && row >= y && row < y + 2
              if pixels[column, row] != isInside { isRight = false }
              if isInside { count += 1 }
            }
          }
          #expect(isRight)
          #expect(bitmap.isVisible(area) == (count > 0))
          bitmap.fill(area, .paper)
          #expect(memory.bytes.allSatisfy { $0 == 0 })
        }
      }
    }
  }

  @Test(arguments: rotations) func bandsMakeTheWholePicture(_ rotation: Rotation) {
    let panel = Size(width: 321, height: 203)
    var painter = Painter(size: rotation.applied(to: panel))
    let words = painter.prepare(.code(webex))
    let memory = Memory(panel)
    var whole = Bitmap(panel: panel, rotation: rotation, on: Canvas(memory.bytes))!
    painter.paint(words, on: &whole)
    let stride = Bitmap.stride(width: panel.width)
    var top = 0
    while top < panel.height {
      let rows = top..<min(top + 7, panel.height)
      let bandMemory = Memory(count: stride * 7)
      var band = Bitmap(panel: panel, rotation: rotation, rows: rows, on: Canvas(bandMemory.bytes))!
      painter.paint(words, on: &band)
      for index in 0..<(rows.count * stride) {
        #expect(bandMemory.bytes[index] == memory.bytes[top * stride + index])
      }
      top = rows.upperBound
    }
  }

  @Test func tooLittleMemoryIsNoBitmap() {
    let memory = Memory(count: 100)
    let isTooWide = Bitmap(panel: Size(width: 81, height: 10), on: Canvas(memory.bytes)) == nil
    #expect(isTooWide)
    let isEmpty = Bitmap(panel: Size(width: 0, height: 10), on: Canvas(memory.bytes)) == nil
    #expect(isEmpty)
    let fits = Bitmap(panel: Size(width: 80, height: 10), on: Canvas(memory.bytes)) != nil
    #expect(fits)
  }

  @Test func onlyRightAnglesAreRotations() {
    #expect(Rotation(degrees: 270) == .threeQuarters)
    #expect(Rotation(degrees: 360) == nil)
    #expect(Rotation(degrees: 45) == nil)
    #expect(Rotation(degrees: -90) == nil)
  }
}
