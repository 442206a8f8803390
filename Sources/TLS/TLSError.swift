public import Bytes
internal import CMbedTLS
public import Linux

/// Why there is no TLS session, or no more of it. Every case names the layer that failed.
public enum TLSError: Error, Sendable {
  /// No connection, and why.
  case connect(ConnectError)
  /// The server's certificate was refused; bits are `MBEDTLS_X509_BADCERT_…`.
  case certificate(CertificateFault)
  /// The server offers nothing newer than TLS 1.1.
  case protocolVersion
  /// The handshake failed; an error of mbedTLS.
  case handshake(Int32)
  /// The file with the trust anchors can't be read.
  case trustAnchors(Errno)
  /// The session broke while sending or receiving; an error of mbedTLS.
  case transfer(Int32)
  /// The connection ended while something was still to be sent or received.
  case closed
  /// The time for the exchange is over.
  case timedOut(duringHandshake: Bool)
  case interrupted
  /// mbedTLS could not be set up: no memory, or no random numbers.
  case setUp(Int32)
}

/// What is wrong with a certificate, the gravest first.
public struct CertificateFault: Sendable {
  /// Bits of `MBEDTLS_X509_BADCERT_…`, 17 of them.
  public let flags: UInt32

  public init(flags: UInt32) {
    self.flags = flags
  }

  private func has(_ flag: Int32) -> Bool { flags & UInt32(flag) != 0 }

  /// Whether a wrong clock can be the cause.
  public var concernsTime: Bool {
    has(MBEDTLS_X509_BADCERT_EXPIRED) || has(MBEDTLS_X509_BADCERT_FUTURE)
  }

  var description: StaticString {
    if has(MBEDTLS_X509_BADCERT_FUTURE) { return "it is not valid yet" }
    if has(MBEDTLS_X509_BADCERT_EXPIRED) { return "it has expired" }
    if has(MBEDTLS_X509_BADCERT_OTHER) {
      return "it, or one above it, has a part that is not supported"
    }
    if has(MBEDTLS_X509_BADCERT_NOT_TRUSTED) { return "no trust anchor vouches for it" }
    if has(MBEDTLS_X509_BADCERT_CN_MISMATCH) { return "it is for another host name" }
    if has(MBEDTLS_X509_BADCERT_BAD_KEY) {
      return "its key, or one above it, is too weak or too large"
    }
    if has(MBEDTLS_X509_BADCERT_BAD_MD) || has(MBEDTLS_X509_BADCERT_BAD_PK) {
      return "its signature is of a kind that is no longer safe"
    }
    if has(MBEDTLS_X509_BADCERT_KEY_USAGE) || has(MBEDTLS_X509_BADCERT_EXT_KEY_USAGE) {
      return "it is not for a server"
    }
    return "it is not acceptable"
  }
}

extension TLSError {
  /// Whether the certificate's dates were the fault, which may be the clock's.
  public var concernsTime: Bool {
    if case .certificate(let fault) = self { return fault.concernsTime }
    return false
  }
}

extension ByteSink where Self: ~Copyable {
  /// Appends what failed, with its layer first.
  public mutating func append(_ error: TLSError) {
    switch error {
    case .connect(let error): append(error)
    case .certificate(let fault):
      append("TLS failed: the server's certificate was refused: ")
      append(fault.description)
    case .protocolVersion: append("TLS failed: the server does not offer TLS 1.2 or newer")
    case .handshake(let code):
      append("TLS failed: ")
      append(mbedTLSError: code)
    case .trustAnchors(let error):
      append("TLS failed: the trust anchors can't be read: ")
      append(error)
    case .transfer(let code):
      append("TLS connection broken: ")
      append(mbedTLSError: code)
    case .closed: append("connection closed by the server before its answer was whole")
    case .timedOut(let duringHandshake):
      append(
        duringHandshake ? "TLS failed: no answer in time" : "HTTP failed: no answer in time")
    case .interrupted: append("interrupted by a signal")
    case .setUp(let code):
      append("TLS could not be set up: ")
      append(mbedTLSError: code)
    }
  }

  private mutating func append(mbedTLSError code: Int32) {
    var words = InlineArray<128, CChar>(repeating: 0)
    var span = words.mutableSpan
    unsafe span.withUnsafeMutableBufferPointer {
      unsafe mbedtls_strerror(code, $0.baseAddress, $0.count)
    }
    for index in words.indices {
      if words[index] == 0 { break }
      append(UInt8(bitPattern: words[index]))
    }
    append(" (mbedTLS -0x")
    append(hexadecimal: UInt64(UInt32(bitPattern: -code)), width: 4)
    append(")")
  }
}
