internal import Bytes
internal import CMbedTLS
internal import Linux

/// The PEM file with the trust anchors, read one certificate at a time: never all of it in memory.
struct Bundle {
  /// How many trust anchors one chain can use: as many of one name as any bundle holds, and more.
  private static let anchorLimit = 16

  private let path: Path

  init(_ path: Path) {
    self.path = path
  }

  /// Another one when the file has changed; 0 where there is none.
  var generation: Int64 { path.generation }

  /// Adds to `anchors` the certificates whose subject is the issuer of one in `chain`, so that the
  /// cost in memory is that of the one or two anchors that a server needs.
  ///
  /// - Returns: `MBEDTLS_X509_BADCERT_OTHER` where none is of use and one would be, but for a part
  ///   that mbedTLS does not know and may not pass over.
  func load(
    for chain: UnsafePointer<mbedtls_x509_crt>, into anchors: UnsafeMutablePointer<mbedtls_x509_crt>
  ) throws(Errno) -> UInt32 {
    var kept = 0
    var isUnknown = false
    try forEachCertificate { certificate in
      guard kept < Self.anchorLimit, unsafe isIssuer(certificate, in: chain) else { return }
      let outcome = unsafe certificate.withUnsafeBufferPointer {
        unsafe mbedtls_x509_crt_parse_der(anchors, $0.baseAddress, $0.count)
      }
      if outcome == 0 { kept += 1 } else { isUnknown = true }
    }
    return isUnknown && kept == 0 ? UInt32(MBEDTLS_X509_BADCERT_OTHER) : 0
  }

  /// Whether there is at least one certificate in the file.
  func holdsCertificate() throws(Errno) -> Bool {
    var count = 0
    try forEachCertificate { _ in count += 1 }
    return count > 0
  }

  private func forEachCertificate(_ body: (borrowing Span<UInt8>) -> Void) throws(Errno) {
    let file = try FileDescriptor(opening: path, .readOnly)
    var certificate = unsafe Buffer(
      storage: UnsafeMutableRawBufferPointer(
        start: cmbedtls_certificate(), count: Int(cmbedtls_certificate_capacity)))
    var chunk = unsafe Buffer(
      storage: UnsafeMutableRawBufferPointer(
        start: cmbedtls_bundle_chunk(), count: Int(cmbedtls_bundle_chunk_capacity)))
    var reader = PEMReader()
    while try file.read(into: &chunk) > 0 {
      for index in 0..<chunk.count where reader.take(chunk.bytes[index], into: &certificate) {
        body(certificate.bytes)
      }
      chunk.removeAll()
    }
    if reader.finish(into: &certificate) { body(certificate.bytes) }
  }
}

private func isIssuer(
  _ certificate: borrowing Span<UInt8>, in chain: UnsafePointer<mbedtls_x509_crt>
) -> Bool {
  guard let layout = CertificateLayout(certificate) else { return false }
  var next: UnsafePointer<mbedtls_x509_crt>? = unsafe chain
  while let presented = unsafe next {
    let issuer = unsafe bytes(of: presented.pointee.issuer_raw)
    if namesMatch(certificate.extracting(layout.subject), issuer) { return true }
    unsafe next = UnsafePointer(presented.pointee.next)
  }
  return false
}
