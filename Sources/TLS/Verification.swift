internal import Bytes
internal import CMbedTLS
internal import Linux

// Theory of operation.
//
// mbedTLS verifies the server's chain in the middle of the handshake, before it sends anything that
// the server's key is needed for, and calls back once per certificate, from the top of the chain to
// the server's own. Trust anchors are not parsed in advance: the session starts with none. So the
// first verdict on a new chain is "not trusted". It is held back until the last call, the one for
// the server's own certificate, where the whole chain is at hand: there the anchors with the right
// names are fetched from the bundle, and the chain is verified in full, name and all. That verdict
// is the one that mbedTLS gets, and a bad one ends the handshake (VERIFY_REQUIRED). The anchors are
// kept for the next handshake, which then passes the first time.
//
// It fails closed: a session counts as verified only where the last call has said so.

/// What the verification of the running handshake needs and finds. Global, since mbedTLS calls back
/// without a way to borrow; there is one session.
struct Verification {
  /// The wanted host, ended by a zero.
  var host = Text<256>()

  /// The host's bytes where it is an address, else empty.
  var address = Text<16>()

  var bundle = Bundle(Path("/dev/null"))

  /// What mbedTLS found in the certificates above the server's own.
  private var upperFlags: UInt32 = 0

  /// The verdict: zero is good, bits are `MBEDTLS_X509_BADCERT_…`.
  private(set) var flags: UInt32 = 0

  /// Whether a chain was seen and found good.
  private(set) var isVerified = false

  /// Why the trust anchors could not be read.
  private(set) var bundleError: Errno?

  mutating func begin() {
    upperFlags = 0
    flags = 0
    isVerified = false
    bundleError = nil
  }

  /// Takes one certificate of the chain with what mbedTLS found in it, and returns the flags that
  /// mbedTLS shall go by.
  fileprivate mutating func take(
    _ certificate: UnsafeMutablePointer<mbedtls_x509_crt>, depth: Int32, found: UInt32
  ) -> UInt32 {
    if depth > 0 {
      upperFlags |= found
      return 0
    }
    flags = upperFlags | found
    upperFlags = 0
    if flags & UInt32(MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0 {
      flags = unsafe verifyAfresh(certificate)
    }
    unsafe flags |= nameFlags(certificate)
    isVerified = flags == 0
    return flags
  }

  /// Verifies the chain against the anchors that the bundle has for it.
  private mutating func verifyAfresh(_ chain: UnsafeMutablePointer<mbedtls_x509_crt>) -> UInt32 {
    let session: UnsafeMutablePointer<cmbedtls_session> = unsafe cmbedtls_session()
    unsafe mbedtls_x509_crt_free(&session.pointee.anchors)
    unsafe mbedtls_x509_crt_init(&session.pointee.anchors)
    do {
      try unsafe bundle.load(for: chain, into: &session.pointee.anchors)
    } catch {
      bundleError = error
      return UInt32(MBEDTLS_X509_BADCERT_NOT_TRUSTED)
    }
    var found: UInt32 = 0
    let outcome = unsafe host.bytes.withUnsafeBytes { name in
      // An address is compared below: mbedTLS 2.28 would take it for a DNS name.
      unsafe mbedtls_x509_crt_verify_with_profile(
        chain, &session.pointee.anchors, nil, cmbedtls_certificate_profile(),
        address.isEmpty ? name.baseAddress?.assumingMemoryBound(to: CChar.self) : nil,
        &found, nil, nil)
    }
    // An error that sets no flag must not pass.
    return outcome != 0 && found == 0 ? UInt32(MBEDTLS_X509_BADCERT_OTHER) : found
  }

  /// Judges the subject alternative names where mbedTLS does not: there must be some (no falling
  /// back to the common name, RFC 9525 §2), and an address must be among them.
  private func nameFlags(_ certificate: UnsafeMutablePointer<mbedtls_x509_crt>) -> UInt32 {
    let raw = unsafe certificate.pointee.raw
    let der = unsafe Span(_unsafeStart: UnsafePointer(raw.p!), count: raw.len)
    switch AlternativeNames(ofCertificate: der, address: address.bytes) {
    case .present(let holdsAddress) where address.isEmpty || holdsAddress: return 0
    case .present, .missing: return UInt32(MBEDTLS_X509_BADCERT_CN_MISMATCH)
    }
  }
}

nonisolated(unsafe) var verification = Verification()

/// mbedTLS's callback for each certificate of a chain.
let verificationCallback:
  @convention(c) (
    UnsafeMutableRawPointer?, UnsafeMutablePointer<mbedtls_x509_crt>?, Int32,
    UnsafeMutablePointer<UInt32>?
  ) -> Int32 = { _, certificate, depth, flags in
    guard let certificate = unsafe certificate, let flags = unsafe flags else {
      return MBEDTLS_ERR_X509_FATAL_ERROR
    }
    unsafe flags.pointee = verification.take(certificate, depth: depth, found: flags.pointee)
    return 0
  }
