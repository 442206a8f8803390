internal import Bytes

// As much of DER (X.690) and X.509 (RFC 5280) as it takes to see which certificates of a bundle a
// chain needs, without parsing them all into memory. What it finds decides nothing by itself:
// mbedTLS verifies the chain.

/// One element: where its header starts, where its contents are.
struct DERElement {
  let tag: UInt8
  let start: Int
  let contents: Range<Int>
}

enum DERTag {
  static let boolean: UInt8 = 0x01
  static let octetString: UInt8 = 0x04
  static let objectIdentifier: UInt8 = 0x06
  static let sequence: UInt8 = 0x30
  static let explicitVersion: UInt8 = 0xA0
  static let explicitExtensions: UInt8 = 0xA3
  /// GeneralName's iPAddress.
  static let addressName: UInt8 = 0x87
}

/// Reads the element at `offset`, which must end before `end`; nil where there is none.
@inline(never)
func readElement(_ der: borrowing Span<UInt8>, at offset: Int, end: Int) -> DERElement? {
  guard offset >= 0, end <= der.count, offset + 2 <= end else { return nil }
  let tag = der[offset]
  var length = Int(der[offset + 1])
  var contents = offset + 2
  if length >= 0x80 {
    let count = length - 0x80
    // Lengths of more than three bytes are far beyond any certificate.
    guard count >= 1, count <= 3, contents + count <= end else { return nil }
    length = 0
    for index in 0..<count { length = length * 256 + Int(der[contents + index]) }
    contents += count
  }
  guard length <= end - contents else { return nil }
  return DERElement(tag: tag, start: offset, contents: contents..<contents + length)
}

/// Where the parts of a certificate are that matter here.
struct CertificateLayout {
  /// The subject's Name with its header.
  let subject: Range<Int>
  /// The contents of the Extensions sequence; empty where there is none.
  let extensions: Range<Int>

  /// - Parameter der: a certificate, perhaps with bytes behind it.
  init?(_ der: borrowing Span<UInt8>) {
    guard let certificate = readElement(der, at: 0, end: der.count),
      certificate.tag == DERTag.sequence,
      let body = readElement(
        der, at: certificate.contents.lowerBound, end: certificate.contents.upperBound),
      body.tag == DERTag.sequence
    else { return nil }
    let end = body.contents.upperBound
    var offset = body.contents.lowerBound
    if let version = readElement(der, at: offset, end: end), version.tag == DERTag.explicitVersion {
      offset = version.contents.upperBound
    }
    // Serial number, signature algorithm, issuer, validity.
    for _ in 0..<4 {
      guard let element = readElement(der, at: offset, end: end) else { return nil }
      offset = element.contents.upperBound
    }
    guard let subject = readElement(der, at: offset, end: end), subject.tag == DERTag.sequence
    else { return nil }
    self.subject = subject.start..<subject.contents.upperBound
    extensions = Self.extensions(der, after: subject.contents.upperBound, end: end)
  }

  private static func extensions(
    _ der: borrowing Span<UInt8>, after start: Int, end: Int
  ) -> Range<Int> {
    var offset = start
    while let element = readElement(der, at: offset, end: end) {
      if element.tag == DERTag.explicitExtensions,
        let list = readElement(
          der, at: element.contents.lowerBound, end: element.contents.upperBound)
      {
        return list.contents
      }
      offset = element.contents.upperBound
    }
    return 0..<0
  }

  /// The contents of the subject alternative name's GeneralNames; nil without that extension.
  func subjectAlternativeNames(_ der: borrowing Span<UInt8>) -> Range<Int>? {
    var offset = extensions.lowerBound
    while let entry = readElement(der, at: offset, end: extensions.upperBound) {
      offset = entry.contents.upperBound
      let end = entry.contents.upperBound
      guard let name = readElement(der, at: entry.contents.lowerBound, end: end),
        name.tag == DERTag.objectIdentifier,
        // 2.5.29.17
        der.extracting(name.contents).equals([0x55, 0x1D, 0x11])
      else { continue }
      var valueStart = name.contents.upperBound
      if let critical = readElement(der, at: valueStart, end: end), critical.tag == DERTag.boolean {
        valueStart = critical.contents.upperBound
      }
      guard let value = readElement(der, at: valueStart, end: end),
        value.tag == DERTag.octetString,
        let names = readElement(
          der, at: value.contents.lowerBound, end: value.contents.upperBound)
      else { return nil }
      return names.contents
    }
    return nil
  }
}

/// What a certificate says about the names it is for.
enum AlternativeNames {
  case missing
  case present(holdsAddress: Bool)

  /// - Parameter address: the 4 or 16 bytes to look for.
  init(ofCertificate der: borrowing Span<UInt8>, address: borrowing Span<UInt8>) {
    guard let layout = CertificateLayout(der), let names = layout.subjectAlternativeNames(der)
    else {
      self = .missing
      return
    }
    var offset = names.lowerBound
    while let name = readElement(der, at: offset, end: names.upperBound) {
      offset = name.contents.upperBound
      if name.tag == DERTag.addressName, der.extracting(name.contents).equals(address) {
        self = .present(holdsAddress: true)
        return
      }
    }
    self = .present(holdsAddress: false)
  }
}

/// Whether two Names are the same: byte for byte, or part by part with text compared without
/// regard to case and to the kind of string, as mbedTLS will when it builds the chain.
func namesMatch(_ left: borrowing Span<UInt8>, _ right: borrowing Span<UInt8>) -> Bool {
  if left.equals(right) { return true }
  return contentsMatch(left, 0..<left.count, right, 0..<right.count, depth: 0)
}

private func contentsMatch(
  _ left: borrowing Span<UInt8>, _ leftRange: Range<Int>, _ right: borrowing Span<UInt8>,
  _ rightRange: Range<Int>, depth: Int
) -> Bool {
  // Name, RDN, attribute, value.
  if depth > 4 { return false }
  var leftOffset = leftRange.lowerBound
  var rightOffset = rightRange.lowerBound
  while leftOffset < leftRange.upperBound, rightOffset < rightRange.upperBound {
    guard let one = readElement(left, at: leftOffset, end: leftRange.upperBound),
      let other = readElement(right, at: rightOffset, end: rightRange.upperBound)
    else { return false }
    if one.tag & 0x20 != 0 {
      guard one.tag == other.tag,
        contentsMatch(left, one.contents, right, other.contents, depth: depth + 1)
      else { return false }
    } else if isText(one.tag), isText(other.tag) {
      guard left.extracting(one.contents).equalsIgnoringCase(right.extracting(other.contents))
      else { return false }
    } else {
      guard one.tag == other.tag,
        left.extracting(one.contents).equals(right.extracting(other.contents))
      else { return false }
    }
    leftOffset = one.contents.upperBound
    rightOffset = other.contents.upperBound
  }
  return leftOffset == leftRange.upperBound && rightOffset == rightRange.upperBound
}

/// UTF8String and PrintableString.
private func isText(_ tag: UInt8) -> Bool { tag == 0x0C || tag == 0x13 }

extension Span where Element == UInt8 {
  fileprivate func equals(_ literal: InlineArray<3, UInt8>) -> Bool { equals(literal.span) }
}
