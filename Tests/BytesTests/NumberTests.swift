import Bytes
import Foundation
import TestSupport
import Testing

@Suite struct NumberTests {
  @Test(arguments: [
    0, 1, -1, 9, 10, -10, 99, 100, 4_294_967_295, 4_294_967_296, -2_147_483_649, Int64.max,
    Int64.min, Int64.max - 1, Int64.min + 1,
  ])
  func decimalIsWhatTheStandardLibraryWrites(number: Int64) {
    #expect(written { $0.append(decimal: number) } == Array(String(number).utf8))
  }

  @Test(
    arguments: [
      (5, 3, "  5"), (-5, 3, " -5"), (1234, 3, "1234"), (0, 1, "0"), (7, 0, "7"), (7, -4, "7"),
    ] as [(Int64, Int, String)])
  func decimalIsPaddedOnTheLeft(number: Int64, width: Int, expected: String) {
    #expect(written { $0.append(decimal: number, width: width) } == Array(expected.utf8))
  }

  @Test func decimalIsPaddedWithAnyByte() {
    let digits = written { $0.append(decimal: 42, width: 6, padding: UInt8(ascii: "0")) }
    #expect(digits == Array("000042".utf8))
  }

  @Test(arguments: [0, 1, 9, 10, 15, 16, 255, 256, 0xDEAD_BEEF, UInt64.max])
  func hexadecimalIsWhatTheStandardLibraryWrites(number: UInt64) {
    let digits = written { $0.append(hexadecimal: number) }
    #expect(digits == Array(String(number, radix: 16).utf8))
  }

  @Test(
    arguments: [
      (0, 2, "00"), (10, 4, "000a"), (0x1234, 2, "1234"), (1, 40, "0000000000000001"),
    ] as [(UInt64, Int, String)])
  func hexadecimalHasAtLeastTheWidthAndAtMostSixteenDigits(
    number: UInt64, width: Int, expected: String
  ) {
    #expect(written { $0.append(hexadecimal: number, width: width) } == Array(expected.utf8))
  }

  @Test(
    arguments: [
      ("0", 0), ("7", 7), ("007", 7), ("1209600", 1_209_600),
      ("9223372036854775807", Int64.max), ("00000000000000000000000000000001", 1),
    ] as [(String, Int64)])
  func decimalsAreParsed(text: String, expected: Int64) {
    let bytes = Array(text.utf8)
    let number = bytes.span.parseDecimal()
    #expect(number == expected)
  }

  @Test(arguments: [
    "", " ", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "١", "1\0", "9223372036854775808",
    "9223372036854775810", "18446744073709551616", "99999999999999999999999999",
  ])
  func whatIsNotAnUnsignedDecimalOrTooLargeIsRefused(text: String) {
    let bytes = Array(text.utf8)
    let number = bytes.span.parseDecimal()
    #expect(number == nil)
  }

  @Test func writtenNumbersAreReadBack() {
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<2000 {
      let shift = Int64.random(in: 0..<63, using: &generator)
      let number = Int64.random(in: 0...Int64.max, using: &generator) >> shift
      let digits = written { $0.append(decimal: number) }
      let parsed = digits.span.parseDecimal()
      #expect(parsed == number)
    }
  }

  @Test func wideningKeepsTheSign() {
    #expect(Int64(Int.min) == Int64.min)
    #expect(Int64(-1) == -1)
    #expect(Int64(Int32.min) == -2_147_483_648)
    #expect(Int64(UInt32.max) == 4_294_967_295)
    #expect(UInt64(UInt8.max) == 255)
  }

  @Test(
    arguments: [
      (Int64.max, Int32.max), (Int64.min, Int32.min), (2_147_483_648, Int32.max),
      (-2_147_483_649, Int32.min), (5, 5), (-5, -5),
    ] as [(Int64, Int32)])
  func clampingTakesTheNearestValue(value: Int64, expected: Int32) {
    #expect(Int32(clamping: value) == expected)
  }
}
