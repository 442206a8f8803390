import Bytes
import Testing

@testable import Display

@Suite struct WordsTests {
  @Test(arguments: [
    (Int64(272), "4:32"), (0, "0:00"), (-9, "0:00"), (59, "0:59"), (60, "1:00"), (3599, "59:59"),
    (3600, "1:00:00"), (36_061, "10:01:01"),
  ]) func timeLeft(_ seconds: Int64, _ expected: String) {
    var text = Text<2560>()
    text.append(timeLeft: seconds)
    #expect(string(text) == expected)
  }

  @Test(arguments: [
    ("Zoë Müller", "Zoe Muller"), ("Ann", "Ann"), ("a\u{1B}[0mb", "a?[0mb"), ("a\nb", "a?b"),
    ("ÀÿßØ", "AyssO"), ("Łukasz", "Lukasz"), ("Straße", "Strasse"), ("ÆØÅ æœĳ", "AEOA aeoeij"),
    ("Þór Guðrún", "Thor Gudrun"), ("Çağrı Şahin", "Cagri Sahin"), ("Dvořák Ľuboš", "Dvorak Lubos"),
    ("Nguyễn Thị Đào", "Nguyen Thi Dao"), ("Ștefan Țuțea", "Stefan Tutea"), ("STRAẞE", "STRAssE"),
    ("Zoe\u{308} E\u{301}va", "Zoe Eva"), ("O\u{2019}Brien\u{2013}Ḫān", "O'Brien-Han"),
  ]) func wordsAreLegible(_ words: String, _ expected: String) {
    var legible = Text<64>()
    let isWhole = legible.append(legible: Array(words.utf8).span)
    #expect(string(legible) == expected && isWhole)
  }

  @Test(arguments: ["山田 太郎", "中文", "\u{202E}x", "Иван", "Ann 山", "😀", "أحمد"])
  func aNameThatHasNoPlainFormIsNone(_ name: String) {
    var words = Words()
    words.set(.approved(name: text(name)), besideQR: false)
    #expect(words.count(.sentence) == 0)
    var code = plain
    code.title.append(Array(name.utf8).span)
    words.set(.code(code), besideQR: true)
    let title = (0..<words.count(.title)).map { words[.title][$0] }
    #expect(String(decoding: title, as: UTF8.self) == "Sign in")
  }

  @Test func brokenUTF8IsLegible() {
    for bytes: [UInt8] in [
      [0xC3], [0xC3, 0x28], [0xFF, 0xFE], [0xE2, 0x82], [0x80, 0x80, 0x41],
    ] {
      var legible = Text<64>()
      legible.append(legible: bytes.span)
      #expect(string(legible).utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    }
  }

  @Test func wordsWrapAtSpacesAndURIsAtSeparators() {
    func lines(_ string: String, _ breaks: LineBreaks, _ columns: Int) -> [String] {
      let bytes = Array(string.utf8)
      var lines: [String] = []
      var start = 0
      while start < bytes.count {
        let end = breaks.end(of: bytes.span, from: start, columns: columns)
        lines.append(String(decoding: bytes[start..<end], as: UTF8.self))
        start = end
      }
      #expect(lines.count == breaks.lines(bytes.span, columns: columns))
      return lines
    }
    #expect(lines("Scan with your phone", .spaces, 9) == ["Scan with ", "your ", "phone"])
    #expect(lines("abcdefgh ij", .spaces, 4) == ["abcd", "efgh ", "ij"])
    #expect(
      lines("https://example.com/device", .separators, 20) == ["https://example.com/", "device"])
    #expect(
      lines("https://id.example.com/device", .separators, 16)
        == ["https://", "id.example.com/", "device"])
    #expect(
      lines("https://id.example.com/device", .outsideHost, 24)
        == ["https://id.example.com/d", "evice"])
    #expect(lines("ABCD-EFGH", .groups, 6) == ["ABCD-", "EFGH"])
    #expect(lines("ABCDEFGH", .groups, 3) == ["ABC", "DEF", "GH"])
    #expect(lines("ab", .anywhere, 0) == ["a", "b"])
  }

  @Test(arguments: [
    ("https://login.example-company.com:8443/common/oauth2/deviceauth", 30),
    ("https://example.com", 11), ("https://example.com?a=b/c", 11), ("https://a/b//c.d", 1),
    ("example.com/device", 0),
  ])
  func noLineEndsInAHost(_ uri: String, _ hostLength: Int) {
    let bytes = Array(uri.utf8)
    for breaks in [LineBreaks.separators, .outsideHost] {
      for columns in 1...80 {
        let count = breaks.lines(bytes.span, columns: columns)
        if columns < hostLength {
          #expect(count == 255)
          continue
        }
        var start = 0
        for _ in 0..<count {
          let end = breaks.end(of: bytes.span, from: start, columns: columns)
          #expect(end <= min(8, bytes.count) || end >= 8 + hostLength, "\(columns)")
          #expect(end - start <= columns && end > start)
          start = end
        }
        #expect(start == bytes.count)
      }
    }
  }

  @Test func theMiddleIsShortened() {
    let bytes = Array("https://example.com/a/very/long/path".utf8)
    func short(_ length: Int) -> String {
      String(
        decoding: (0..<min(length, bytes.count)).map { shortened(bytes.span, to: length, at: $0) },
        as: UTF8.self)
    }
    #expect(short(20) == "https://exa...g/path")
    #expect(short(36) == "https://example.com/a/very/long/path")
    #expect(short(7) == "https:/")
    #expect(short(0) == "")
  }
}
