import Bytes
import Foundation
import TestSupport

@testable import TLS

/// Runs openssl(1) and returns what it prints.
func openssl(_ arguments: [String], input: Data = Data()) throws -> Data {
  let process = Process()
  let (output, feed) = (Foundation.Pipe(), Foundation.Pipe())
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = ["openssl"] + arguments
  process.standardInput = feed
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  try process.run()
  feed.fileHandleForWriting.write(input)
  try feed.fileHandleForWriting.close()
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  struct Failure: Error { let arguments: [String] }
  if process.terminationStatus != 0 { throw Failure(arguments: arguments) }
  return data
}

/// A new self-signed certificate in PEM.
func makeCertificate(
  subject: String = "/CN=board", names: String? = nil, options: [String] = []
) throws -> [UInt8] {
  let extensions = names.map { ["-addext", "subjectAltName=\($0)"] } ?? []
  return Array(
    try openssl(
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
        "/dev/null", "-days", "1", "-subj", subject,
      ] + extensions + options))
}

/// The certificates that the reader finds in a file.
func certificates(_ pem: [UInt8], capacity: Int = 8192) -> [[UInt8]] {
  withBuffer(capacity: capacity) { buffer in
    var reader = PEMReader()
    var found: [[UInt8]] = []
    for byte in pem where reader.take(byte, into: &buffer) { found.append(array(buffer.bytes)) }
    if reader.finish(into: &buffer) { found.append(array(buffer.bytes)) }
    return found
  }
}

func certificateLayout(_ der: [UInt8]) -> CertificateLayout? { CertificateLayout(der.span) }

/// The subject's Name as it lies in the certificate.
func subject(_ der: [UInt8]) -> [UInt8]? {
  certificateLayout(der).map { Array(der[$0.subject]) }
}

/// What the certificate says about names, in words.
func names(_ der: [UInt8], address: [UInt8] = []) -> String {
  switch AlternativeNames(ofCertificate: der.span, address: address.span) {
  case .missing: "missing"
  case .present(let holdsAddress): holdsAddress ? "holds" : "present"
  }
}

func match(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  namesMatch(left.span, right.span)
}

/// One DER element.
func element(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
  precondition(contents.count < 128)
  return [tag, UInt8(contents.count)] + contents
}

/// A Name of one attribute, the common name, in a kind of string.
func name(_ tag: UInt8, _ text: String) -> [UInt8] {
  let attribute = element(0x06, [0x55, 0x04, 0x03]) + element(tag, Array(text.utf8))
  return element(0x30, element(0x31, element(0x30, attribute)))
}
