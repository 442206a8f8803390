import Bytes
import TestSupport
import Testing

@Suite struct TextTests {
  @Test func interpolationBuildsBytes() {
    let name: Text<8> = "board"
    let line: Text<64> = "\(name) polls every \(Int64(-5)) s, \("x")"
    #expect(string(line) == "board polls every -5 s, x")
  }

  @Test func everyKindOfPieceCanBeInterpolated() {
    let bytes = Array("raw\n".utf8)
    let other: Text<4> = "\u{1B}[A"
    let line: Text<96> =
      "\(7)/\(Int32.min)/\(Int64.max)/\(bytes.span)/\(escaped: bytes.span)/\(escaped: other)"
    #expect(
      string(line) == "7/-2147483648/9223372036854775807/raw\n/raw\\x0a/\\x1b[A")
  }

  @Test func aNewTextIsEmpty() {
    let text = Text<4>()
    #expect(text.isEmpty)
    #expect(text.count == 0)
    #expect(!text.isTruncated)
  }

  @Test func aTextIsFullButNotTruncatedAtItsCapacity() {
    let text: Text<4> = "four"
    #expect(string(text) == "four")
    #expect(!text.isTruncated)
  }

  @Test func whatDoesNotFitIsDroppedAndRemembered() {
    var text: Text<4> = "fives"
    #expect(string(text) == "five")
    #expect(text.isTruncated)
    text.removeAll()
    #expect(text.isEmpty)
    #expect(!text.isTruncated)
  }

  @Test func aTruncatedInterpolationSaysSo() {
    let text: Text<6> = "\(123)\(4567)"
    #expect(string(text) == "123456")
    #expect(text.isTruncated)
  }

  @Test func exactlyRefusesWhatDoesNotFit() {
    let five = Array("fives".utf8)
    let short = Text<4>(exactly: five.span)
    let long = Text<5>(exactly: five.span)
    #expect(short == nil)
    #expect(long.map { string($0) } == "fives")
  }

  @Test func aTextOfNoCapacityDropsEverything() {
    let text: Text<0> = "x"
    #expect(text.isEmpty)
    #expect(text.isTruncated)
  }

  @Test func textsAreEqualByContent() {
    var one: Text<8> = "abcdef"
    one.removeAll()
    one.append("abc")
    let other: Text<8> = "abc"
    #expect(one == other)
    let (differs, isShorter) = (one != "abd", one != "ab")
    #expect(differs)
    #expect(isShorter)
  }

  @Test func wipingLeavesNoByteBehind() {
    var secret: Text<16> = "secret"
    secret.wipe()
    #expect(secret.isEmpty)
    let traces = withUnsafeBytes(of: secret) { bytes in
      bytes.filter { "secret".utf8.contains($0) }.count
    }
    #expect(traces == 0)
  }
}
