import Bytes
import TestSupport
import Testing

@Suite struct ChecksumTests {
  /// From the test vectors of FNV's authors (32 bits, FNV-1a).
  @Test(
    arguments: [
      ("", 0x811C_9DC5), ("a", 0xE40C_292C), ("b", 0xE70C_2DE5), ("foobar", 0xBF9C_F968),
    ] as [(String, UInt32)])
  func itIsFNV1a(text: String, expected: UInt32) {
    let bytes = Array(text.utf8)
    let checksum = bytes.span.checksum
    #expect(checksum == expected)
  }

  @Test func textsThatDifferABitAreToldApart() {
    var generator = SeededGenerator(seed: 8)
    let token = (0..<200).map { _ in UInt8.random(in: 0x21...0x7E, using: &generator) }
    let checksum = token.span.checksum
    var same = 0
    for index in token.indices {
      for bit in 0..<8 as Range<UInt8> {
        var changed = token
        changed[index] ^= 1 << bit
        if changed.span.checksum == checksum { same += 1 }
      }
      let beginning = Array(token[..<index])
      if beginning.span.checksum == checksum { same += 1 }
    }
    #expect(same == 0)
  }
}

@Suite struct OctalTests {
  @Test(arguments: [
    0, 1, 7, 8, 0o10, 0o77, 0o600, 0o644, 0o755, 0o1777, 0o7777, 0o100600, 0x3FFF_FFFF,
    0x4000_0000, UInt32.max,
  ])
  func octalIsWhatTheStandardLibraryWrites(number: UInt32) {
    #expect(written { $0.append(octal: number) } == Array(String(number, radix: 8).utf8))
  }

  @Test func everyPowerOfTwo() {
    for shift in 0..<32 as Range<UInt32> {
      for number in [1 << shift, (1 << shift) - 1] as [UInt32] {
        #expect(written { $0.append(octal: number) } == Array(String(number, radix: 8).utf8))
      }
    }
  }
}
