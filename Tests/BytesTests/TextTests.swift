import Bytes
import Testing

@Suite struct TextTests {
  @Test func interpolationBuildsBytes() {
    let name: Text<8> = "board"
    let line: Text<64> = "\(name) polls every \(Int64(-5)) s, \("x")"
    #expect(line == "board polls every -5 s, x")
  }
}
