import QR
import Testing

@Suite struct QRCodeTests {
  private func code(
    _ count: Int, _ level: QRCode.ErrorCorrection = .low
  ) throws(QRCode.Failure) -> [[Bool]] {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 128) }
    let code = try QRCode(bytes.span, level)
    return (0..<code.width).map { row in
      (0..<code.width).map { code.isDark(column: $0, row: row) }
    }
  }

  // ISO/IEC 18004 table 7: bytes that versions 1, 2, 5, 10 and 40 hold.
  @Test(
    arguments: [
      (1, .low, 21), (17, .low, 21), (18, .low, 25), (14, .medium, 21), (15, .medium, 25),
      (32, .low, 25), (33, .low, 29), (106, .low, 37), (107, .low, 41), (271, .low, 57),
      (2953, .low, 177), (2331, .medium, 177),
    ] as [(Int, QRCode.ErrorCorrection, Int)])
  func theSmallestSymbolIsTaken(count: Int, level: QRCode.ErrorCorrection, width: Int) throws {
    #expect(try code(count, level).count == width)
  }

  @Test(arguments: [(2954, .low), (2332, .medium)] as [(Int, QRCode.ErrorCorrection)])
  func whatDoesNotFitIsTooLong(count: Int, level: QRCode.ErrorCorrection) {
    var isTooLong = false
    do throws(QRCode.Failure) {
      _ = try code(count, level)
    } catch {
      if case .tooLong = error { isTooLong = true }
    }
    #expect(isTooLong)
  }

  @Test(arguments: [1, 60, 500, 2953])
  func threeCornersHoldAFinder(count: Int) throws {
    let modules = try code(count)
    let last = modules.count - 7
    for (left, top) in [(0, 0), (last, 0), (0, last)] {
      for row in 0..<7 {
        for column in 0..<7 {
          let ring = max(abs(row - 3), abs(column - 3))
          #expect(modules[top + row][left + column] == (ring != 2))
        }
      }
    }
    // The timing pattern between them alternates.
    for column in 8..<modules.count - 8 { #expect(modules[6][column] == (column % 2 == 0)) }
  }
}
