import Foundation
import TestSupport
import Testing

@testable import TLS

private let bundle =
  (try? Data(contentsOf: URL(filePath: "/etc/ssl/certs/ca-certificates.crt")))
  .map { Array($0) } ?? []

@Suite struct CertificateTests {
  @Test(.enabled(if: !bundle.isEmpty, "no system bundle"))
  func everyCertificateOfTheSystemIsFound() throws {
    // Foundation's base64 decoder has the second opinion.
    let blocks = String(decoding: bundle, as: UTF8.self)
      .components(separatedBy: "-----BEGIN CERTIFICATE-----\n").dropFirst()
    let expected = try blocks.map { block in
      let body = block.components(separatedBy: "\n-----END CERTIFICATE-----")[0]
      return Array(try #require(Data(base64Encoded: body, options: .ignoreUnknownCharacters)))
    }
    #expect(expected.count > 50)
    #expect(certificates(bundle) == expected)
  }

  @Test(.enabled(if: !bundle.isEmpty, "no system bundle"))
  func theSubjectIsWhereOpenSSLSeesIt() throws {
    let certificates = certificates(bundle)
    for certificate in certificates {
      let found = try #require(subject(certificate))
      let layout = try #require(certificateLayout(certificate))
      // Self-signed, all of them: the same bytes stand before the validity, as the issuer.
      let issuer = certificate.firstRange(of: found)
      #expect(issuer?.lowerBound ?? .max < layout.subject.lowerBound)
    }
    // Name for name with openssl, of a few.
    for certificate in certificates.prefix(8) {
      let layout = try #require(certificateLayout(certificate))
      let parsed = try openssl(["asn1parse", "-inform", "DER"], input: Data(certificate))
      let line = String(decoding: parsed, as: UTF8.self).split(separator: "\n").first {
        $0.trimmingCharacters(in: .whitespaces).hasPrefix("\(layout.subject.lowerBound):d=2")
      }
      let length = layout.subject.count
      let words = try #require(line)
      let match = try #require(words.firstMatch(of: /hl=(\d+) +l= *(\d+) cons: SEQUENCE/))
      #expect(Int(match.1)! + Int(match.2)! == length)
    }
  }

  @Test(
    arguments: [
      (nil, [], "missing"), ("DNS:as.example", [], "present"),
      ("DNS:as.example", [192, 0, 2, 1], "present"), ("IP:192.0.2.1", [192, 0, 2, 1], "holds"),
      ("IP:192.0.2.1", [192, 0, 2, 2], "present"), ("IP:192.0.2.1", [], "present"),
      ("DNS:a.example,IP:192.0.2.9,IP:192.0.2.1", [192, 0, 2, 1], "holds"),
      ("critical,IP:192.0.2.1", [192, 0, 2, 1], "holds"),
      (
        "IP:2001:db8::1", [0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "holds"
      ),
      // An address in a DNS name is none.
      ("DNS:192.0.2.1", [192, 0, 2, 1], "present"), ("email:a@b.example", [], "present"),
      ("URI:https://192.0.2.1/", [192, 0, 2, 1], "present"),
    ] as [(String?, [UInt8], String)])
  func alternativeNamesAreRead(list: String?, address: [UInt8], expected: String) throws {
    let certificate = try #require(certificates(makeCertificate(names: list)).first)
    #expect(names(certificate, address: address) == expected)
  }

  @Test func theSubjectsOfNewCertificatesAreFound() throws {
    for text in ["/CN=board", "/C=DE/O=Ä & Co/OU=x+CN=y", "/DC=example/CN=" + "x" * 64] {
      let options = text.contains("Ä") ? ["-utf8", "-multivalue-rdn"] : []
      let certificate = try #require(
        certificates(makeCertificate(subject: text, options: options)).first)
      let found = try #require(subject(certificate))
      let parsed = try openssl(["asn1parse", "-inform", "DER"], input: Data(found))
      #expect(String(decoding: parsed, as: UTF8.self).hasPrefix("    0:d=0"))
      #expect(match(found, found))
    }
  }

  @Test func everyTruncationIsNoCertificate() throws {
    let certificate = try #require(
      certificates(makeCertificate(names: "DNS:a.example,IP:192.0.2.1")).first)
    let memory = GuardedMemory(capacity: certificate.count)
    let address: [UInt8] = [192, 0, 2, 1]
    for length in 0..<certificate.count {
      memory.with(certificate[..<length]) { der in
        let isNone = CertificateLayout(der) == nil
        #expect(isNone, "\(length) bytes")
        if case .present = AlternativeNames(ofCertificate: der, address: address.span) {
          Issue.record("names in \(length) bytes")
        }
      }
    }
  }

  @Test func randomDamageNeverTraps() throws {
    let certificate = try #require(
      certificates(makeCertificate(names: "DNS:a.example,IP:192.0.2.1")).first)
    let original = try #require(subject(certificate))
    let memory = GuardedMemory(capacity: certificate.count)
    var generator = SeededGenerator(seed: 7)
    var (refused, different) = (0, 0)
    for _ in 0..<20000 {
      var damaged = certificate
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        // The structure is in front; the signature says nothing.
        damaged[Int.random(in: 0..<damaged.count * 3 / 4, using: &generator)] =
          UInt8.random(in: 0...255, using: &generator)
      }
      memory.with(damaged[...]) { der in
        let address: [UInt8] = [192, 0, 2, 1]
        if case .missing = AlternativeNames(ofCertificate: der, address: address.span) {
          refused += 1
        }
        guard let layout = CertificateLayout(der) else { return }
        if !namesMatch(der.extracting(layout.subject), original.span) { different += 1 }
      }
    }
    #expect(refused > 1000)
    #expect(different > 500)
  }

  @Test(
    arguments: [
      [], [0x30], [0x30, 0x80], [0x30, 0x84, 0, 0, 0, 0], [0x30, 0x81], [0x30, 0x82, 0xFF, 0xFF],
      [0x30, 0xFF], [0x30, 0x83, 0xFF, 0xFF, 0xFF], [0x31, 0x00], [0x30, 0x00], [0x30, 2, 0x30, 0],
      [0x30, 2, 0x30, 1], [0x30, 4, 0x30, 2, 2, 0],
    ] as [[UInt8]])
  func whatIsNoCertificateIsRefused(bytes: [UInt8]) {
    #expect(subject(bytes) == nil)
    #expect(names(bytes) == "missing")
  }

  @Test(arguments: [(0, 5, true), (0, 4, false), (2, 5, true), (2, 4, false), (4, 5, false)])
  func anElementEndsInsideItsParent(offset: Int, end: Int, isWhole: Bool) {
    let bytes: [UInt8] = [0x30, 3, 0x04, 1, 0xFF, 0, 0]
    let isFound = readElement(bytes.span, at: offset, end: end) != nil
    #expect(isFound == isWhole)
  }
}

@Suite struct NameTests {
  @Test(
    arguments: [
      (0x0C, "Board CA", 0x0C, "Board CA", true), (0x0C, "Board CA", 0x13, "board ca", true),
      (0x13, "A", 0x0C, "a", true), (0x0C, "Board CA", 0x0C, "Board CB", false),
      (0x0C, "Board", 0x0C, "Board CA", false), (0x0C, "é", 0x0C, "é", true),
      (0x0C, "é", 0x0C, "É", false), (0x14, "A", 0x14, "A", true), (0x14, "A", 0x14, "a", false),
      (0x14, "A", 0x0C, "A", false), (0x16, "A", 0x13, "A", false), (0x0C, "", 0x13, "", true),
    ] as [(UInt8, String, UInt8, String, Bool)])
  func textIsComparedWithoutCaseAndKind(
    leftTag: UInt8, left: String, rightTag: UInt8, right: String, expected: Bool
  ) {
    #expect(match(name(leftTag, left), name(rightTag, right)) == expected)
    #expect(match(name(rightTag, right), name(leftTag, left)) == expected)
  }

  @Test func namesWithMorePartsAreOthers() {
    let one = name(0x0C, "a")
    let part = Array(one.dropFirst(2))
    let two = element(0x30, part + part)
    #expect(match(two, two))
    #expect(!match(one, two))
    #expect(!match(two, one))
    #expect(!match([], one))
    #expect(match([], []))
    #expect(!match(element(0x30, []), one))
  }

  @Test func nestingIsLimited() {
    func nested(_ text: String) -> [UInt8] {
      var bytes = element(0x0C, Array(text.utf8))
      for _ in 0..<40 { bytes = element(0x30, bytes) }
      return bytes
    }
    #expect(!match(nested("a"), nested("A")))
  }
}

private func * (text: String, count: Int) -> String { String(repeating: text, count: count) }
