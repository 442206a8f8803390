@testable import TLS
import Bytes
import CMbedTLS
import TestSupport

nonisolated(unsafe) private let certificateMemory = memory(600)

/// The certificates that a file holds.
private func certificates(_ file: borrowing Span<UInt8>) -> [[UInt8]] {
  var certificate = Buffer(storage: certificateMemory)
  var reader = PEMReader()
  var found: [[UInt8]] = []
  for index in file.indices where reader.take(file[index], into: &certificate) {
    found.append(array(certificate.bytes))
  }
  if reader.finish(into: &certificate) { found.append(array(certificate.bytes)) }
  return found
}

nonisolated(unsafe) private let pemMemory = memory(256 * 1024)

/// The reader of PEM: what it finds is the same when it is written as RFC 7468 has it.
func fuzzPEM(_ input: Input) {
  let found = certificates(input.span)
  var file = Buffer(storage: pemMemory)
  for certificate in found {
    require(certificate.count <= certificateMemory.count, "a certificate that has room")
    file.append("-----BEGIN CERTIFICATE-----\n")
    file.append(base64: certificate.span)
    file.append("\n-----END CERTIFICATE-----\n")
  }
  if !file.isTruncated { require(certificates(file.bytes) == found, "what is written is found") }
}

/// The reader of certificates: what it finds lies inside, and where mbedTLS takes a certificate its
/// subject is the same.
func fuzzDER(_ input: Input) {
  let address: [UInt8] = [192, 0, 2, 1]
  let names = AlternativeNames(ofCertificate: input.span, address: address.span)
  guard let layout = CertificateLayout(input.span) else {
    if case .present = names { require(false, "no names without a certificate") }
    return
  }
  require(layout.subject.upperBound <= input.count, "the subject is inside")
  require(layout.extensions.upperBound <= input.count, "the extensions are inside")
  let subject = input.span.extracting(layout.subject)
  require(namesMatch(subject, subject), "a name is its own")
  let rest = input.span.suffix(from: layout.subject.upperBound)
  require(namesMatch(subject, rest) == namesMatch(rest, subject), "names match both ways")
  compareSubject(input, subject)
}

private func compareSubject(_ input: Input, _ subject: borrowing Span<UInt8>) {
  var certificate = mbedtls_x509_crt()
  mbedtls_x509_crt_init(&certificate)
  defer { mbedtls_x509_crt_free(&certificate) }
  guard mbedtls_x509_crt_parse_der(&certificate, input.baseAddress, input.count) == 0 else {
    return
  }
  let theirs = Input(start: certificate.subject_raw.p, count: certificate.subject_raw.len)
  require(theirs.span.equals(subject), "the subject is mbedTLS's")
}
