import Foundation
import TestSupport
import Testing

@testable import TLS

private let begin = "-----BEGIN CERTIFICATE-----"
private let end = "-----END CERTIFICATE-----"

@Suite struct PEMTests {
  private func found(_ text: String, capacity: Int = 8192) -> [[UInt8]] {
    certificates(Array(text.utf8), capacity: capacity)
  }

  @Test(arguments: [
    "\(begin)\nAQID\n\(end)\n", "\(begin)\r\nAQID\r\n\(end)\r\n", "\(begin)\nAQ\nID\n\(end)\n",
    "\(begin)  \n AQID\t\n \(end)\n", "# a comment\n\n\(begin)\nAQID\n\(end)\nmore\n",
    // What came before a second beginning is no certificate.
    "\(begin)\nBBBB\n\(begin)\nAQID\n\(end)\n",
    "-----BEGIN X-----\nBBBB\n-----END X-----\n\(begin)\nAQID\n\(end)\n",
    "\(begin)\n\n\nAQID\n\n\(end)\n",
    // The last line need not be ended.
    "\(begin)\nAQID\n\(end)", "\(begin)\r\nAQID\r\n\(end)\r",
  ])
  func aCertificateIsDecoded(text: String) {
    #expect(found(text) == [[1, 2, 3]])
  }

  @Test(
    arguments: [("AQ==", [1]), ("AQI=", [1, 2]), ("+/8=", [0xFB, 0xFF]), ("", [])]
      as [(String, [UInt8])])
  func paddingIsNoData(base64: String, expected: [UInt8]) {
    #expect(found("\(begin)\n\(base64)\n\(end)\n") == [expected])
  }

  @Test(arguments: [
    "", "AQID\n\(end)\n", "\(begin)\nAQID\n", "\(begin) AQID \(end)\n",
    "-----BEGIN TRUSTED CERTIFICATE-----\nAQID\n-----END TRUSTED CERTIFICATE-----\n",
    "x\(begin)\nAQID\n\(end)\n", "\(begin)\nAQID\n-----END CERTIFICATE----",
    "\(begin)\nAQID\n-----END X-----\n", "\(end)\n\(begin)\n",
  ])
  func nothingElseIsACertificate(text: String) {
    #expect(found(text) == [])
  }

  @Test func whatIsTooLargeIsLeftOutAndTheNextIsFound() {
    let large = Data(count: 100).base64EncodedString()
    let text = "\(begin)\n\(large)\n\(end)\n\(begin)\nAQID\n\(end)\n"
    #expect(found(text, capacity: 99) == [[1, 2, 3]])
    #expect(found(text, capacity: 100).count == 2)
  }

  @Test func aLineOfAnyLengthIsData() {
    let bytes = (0..<600).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    #expect(found("\(begin)\n\(Data(bytes).base64EncodedString())\n\(end)\n") == [bytes])
  }

  @Test func everyTruncationFindsNoMoreThanIsThere() throws {
    let pem = try makeCertificate(names: "DNS:a.example")
    let whole = try #require(certificates(pem).first)
    let twice = pem + pem
    for length in 0...twice.count {
      // Without its newline the last line is all there too.
      let count = length < pem.count - 1 ? 0 : length < twice.count - 1 ? 1 : 2
      #expect(certificates(Array(twice[..<length])) == Array(repeating: whole, count: count))
    }
    #expect(Data(whole) == (try openssl(["x509", "-outform", "DER"], input: Data(pem))))
  }
}
