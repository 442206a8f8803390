internal import Bytes
internal import CMbedTLS
internal import Linux

// Theory of operation.
//
// mbedTLS verifies nothing by itself. The handshake is taken step by step, and stops behind the one
// that brings the server's certificates, before anything is done with a key that is in them. There
// they are judged: by their sizes, since one operation with a key that is large enough takes
// seconds in which nobody is attended to; then, in the order in which one vouches for the other, by
// mbedTLS, against those anchors of the bundle that have the right names; then by what they are
// for. A bad verdict ends the handshake. The bundle is read anew for each verdict: a board runs for
// years, and its anchors are renewed and withdrawn meanwhile.
//
// It fails closed: what has no verdict is no session, unless it resumes one that had a good one.

/// What is known of the server that a certificate has to fit.
struct Verification {
  /// A day, in milliseconds: how long a session is resumed without another look at certificates.
  private static var lifetime: Int64 { 86_400_000 }

  /// The wanted host, ended by a zero.
  var host = Text<256>()

  /// The host's bytes where it is an address, else empty.
  var address = Text<16>()

  private let bundle: Bundle
  /// The bundle's by which the last verdict was.
  private var generation: Int64 = 0
  /// When the last verdict was, in milliseconds since boot.
  private var time: Int64 = 0

  init(_ bundle: Bundle) {
    self.bundle = bundle
  }

  /// Whether the bundle is still what the last verdict was by.
  var isCurrent: Bool { bundle.generation == generation }

  /// Whether the last verdict is so old that a session may not be resumed.
  var isOld: Bool { !isCurrent || Clock.milliseconds - time > Self.lifetime }

  /// Judges a server's certificates, its own first, and puts the others in order.
  @inline(never)
  mutating func judge(_ chain: UnsafeMutablePointer<mbedtls_x509_crt>) throws(TLSError) {
    let anchors: UnsafeMutablePointer<mbedtls_x509_crt> = unsafe cmbedtls_anchors()
    unsafe mbedtls_x509_crt_init(anchors)
    defer { unsafe mbedtls_x509_crt_free(anchors) }
    // Before it is read: what changes from now on is looked at next time.
    generation = bundle.generation
    time = Clock.milliseconds
    var flags = unsafe sizeFlags(chain)
    if flags == 0 { flags = unsafe try load(for: chain, into: anchors) | sizeFlags(anchors) }
    if flags == 0 { unsafe flags = verify(chain, by: anchors) | nameFlags(chain) }
    if flags != 0 { throw .certificate(CertificateFault(flags: flags)) }
  }

  /// Puts a chain in order, and loads those anchors of the bundle that may vouch for it.
  private func load(
    for chain: UnsafeMutablePointer<mbedtls_x509_crt>,
    into anchors: UnsafeMutablePointer<mbedtls_x509_crt>
  ) throws(TLSError) -> UInt32 {
    unsafe sort(chain)
    do {
      return unsafe try bundle.load(for: chain, into: anchors)
    } catch {
      throw .trustAnchors(error)
    }
  }

  private func verify(
    _ chain: UnsafeMutablePointer<mbedtls_x509_crt>,
    by anchors: UnsafeMutablePointer<mbedtls_x509_crt>
  ) -> UInt32 {
    var found: UInt32 = 0
    let outcome = unsafe host.bytes.withUnsafeBytes { name in
      // An address is compared below: mbedTLS 2.28 would take it for a DNS name.
      unsafe mbedtls_x509_crt_verify_with_profile(
        chain, anchors, nil, cmbedtls_certificate_profile(),
        address.isEmpty ? name.baseAddress?.assumingMemoryBound(to: CChar.self) : nil,
        &found, nil, nil)
    }
    // An error that sets no flag must not pass.
    if outcome != 0, found == 0 { found = UInt32(MBEDTLS_X509_BADCERT_OTHER) }
    return unsafe found | cmbedtls_usage_flags(chain)
  }

  /// Judges the subject alternative names where mbedTLS does not: there must be some (no falling
  /// back to the common name, RFC 9525 §2), and an address must be among them.
  private func nameFlags(_ certificate: UnsafeMutablePointer<mbedtls_x509_crt>) -> UInt32 {
    let der = unsafe bytes(of: certificate.pointee.raw)
    switch AlternativeNames(ofCertificate: der, address: address.bytes) {
    case .present(let holdsAddress) where address.isEmpty || holdsAddress: return 0
    case .present, .missing: return UInt32(MBEDTLS_X509_BADCERT_CN_MISMATCH)
    }
  }
}

/// How many certificates a server may send: each may have to be tried as the issuer of each.
private let countLimit = 16

/// Finds what takes too long to be verified.
private func sizeFlags(_ chain: UnsafeMutablePointer<mbedtls_x509_crt>) -> UInt32 {
  var count = 0
  var next: UnsafeMutablePointer<mbedtls_x509_crt>? = unsafe chain
  while let certificate = unsafe next {
    if unsafe cmbedtls_is_costly(certificate) != 0 {
      return UInt32(MBEDTLS_X509_BADCERT_BAD_KEY)
    }
    count += 1
    unsafe next = certificate.pointee.next
  }
  return count > countLimit ? UInt32(MBEDTLS_X509_BADCERT_OTHER) : 0
}

/// Puts behind each certificate, from the first, the one that vouches for it. Servers send them in
/// any order (RFC 8446 §4.4.2); mbedTLS looks for an issuer only further on.
private func sort(_ chain: UnsafeMutablePointer<mbedtls_x509_crt>) {
  var last = unsafe chain
  while true {
    var link = unsafe last
    while let candidate = unsafe link.pointee.next,
      unsafe !namesMatch(
        bytes(of: candidate.pointee.subject_raw), bytes(of: last.pointee.issuer_raw))
    {
      unsafe link = candidate
    }
    guard let issuer = unsafe link.pointee.next else { return }
    unsafe link.pointee.next = issuer.pointee.next
    unsafe issuer.pointee.next = last.pointee.next
    unsafe last.pointee.next = issuer
    unsafe last = issuer
  }
}

/// What mbedTLS keeps of a certificate, which has to outlive the span.
@_lifetime(immortal)
func bytes(of buffer: mbedtls_x509_buf) -> Span<UInt8> {
  guard let start = unsafe buffer.p else { return Span() }
  let span = unsafe Span(_unsafeStart: UnsafePointer(start), count: buffer.len)
  return unsafe _overrideLifetime(span, copying: ())
}
