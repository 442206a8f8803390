import TestSupport
import Testing

@testable import Linux

@Suite struct OverlayMountTests {
  private let line = """
    66 43 0:40 / /var/lib rw,relatime shared:5 - overlay overlay \
    rw,lowerdir=/rom:/more,upperdir=/mem/up,workdir=/mem/work,uuid=on
    """

  private func upper(_ line: String, _ number: String) -> String? {
    let (line, number) = (Array(line.utf8), Array(number.utf8))
    guard let path = upperDirectory(line.span, number.span) else { return nil }
    return string(path.bytes)
  }

  @Test func theUpperDirectoryIsFound() {
    #expect(upper(line, " 0:40 ") == "/mem/up")
    #expect(upper("66 43 0:40 / / rw - overlay o rw,upperdir=/u", " 0:40 ") == "/u")
  }

  @Test(arguments: [" 0:4 ", " 0:41 ", " 66 ", " 43 ", " 10:40 "])
  func anotherMountIsNotIt(number: String) { #expect(upper(line, number) == nil) }

  @Test(arguments: [
    "", " ", "  ", "66", "66 43 0:40", "66 43 0:40 ", "66 43 0:40 / / rw - ext4 /dev/sda rw",
    "66 43 0:40 / / rw - overlay o rw,upperdir=", "66 43 0:40 / / rw - overlay o rw,lowerdir=/a",
  ]) func whatIsNoOverlayHasNone(line: String) { #expect(upper(line, " 0:40 ") == nil) }
}
