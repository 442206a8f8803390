public import Bytes
internal import CMbedTLS
public import Linux

/// The one TLS session of the program: the only door to mbedTLS. Verified always, TLS 1.2 at least,
/// resumed where the server keeps sessions.
@safe public struct TLSSession: ~Copyable {
  private let session: UnsafeMutablePointer<cmbedtls_session> = unsafe cmbedtls_session()
  private var socket: FileDescriptor?
  private var verification: Verification
  /// Where the server was reached last: tried first next time.
  private var address = SocketAddress()

  /// How many bytes are received before the deadline, and who is attended to, are looked at again.
  /// mbedTLS goes on reading as long as there are alerts and empty records, which anybody can send
  /// before there are keys.
  fileprivate static var receivedLimit: Int32 { 16 * 1024 }

  /// How many bytes a handshake may take: chains of certificates have a tenth of it.
  private static var handshakeLimit: Int32 { 128 * 1024 }

  /// Handshakes so far, and how many of them resumed a session.
  public private(set) var handshakes: Int64 = 0
  public private(set) var resumptions: Int64 = 0

  /// - Parameter trustAnchors: a PEM file with the certificates that may vouch for a server.
  public init(trustAnchors: Path) throws(TLSError) {
    verification = Verification(Bundle(trustAnchors))
    let outcome = unsafe cmbedtls_configure(session)
    if outcome != 0 { throw .setUp(outcome) }
    unsafe mbedtls_ssl_conf_rng(&session.pointee.config, randomCallback, nil)
    let setUp = unsafe mbedtls_ssl_setup(&session.pointee.ssl, &session.pointee.config)
    if setUp != 0 { throw .setUp(setUp) }
    unsafe mbedtls_ssl_set_bio(
      &session.pointee.ssl, session, sendCallback, receiveCallback, nil)
  }

  deinit {
    unsafe mbedtls_ssl_free(&session.pointee.ssl)
    unsafe mbedtls_ssl_config_free(&session.pointee.config)
    unsafe mbedtls_ssl_session_free(&session.pointee.saved)
  }

  /// Whether the file can be read and holds a certificate.
  public static func holdsTrustAnchors(_ path: Path) throws(Errno) -> Bool {
    try Bundle(path).holdsCertificate()
  }

  public var isConnected: Bool { socket != nil }

  /// Whether the server has ended the connection, or said something unasked, since the last answer;
  /// or the trust anchors may no longer vouch for it.
  public var isStale: Bool {
    if !verification.isCurrent { return true }
    // Of a record that was received already.
    if unsafe mbedtls_ssl_get_bytes_avail(ssl) > 0 { return true }
    let now = Clock.milliseconds
    // One millisecond: what arrived while nobody looked is there at once.
    return unsafe wait(
      for: .readable, on: session.pointee.descriptor, until: now + 1, attending: Attending())
      == .ready
  }

  /// Connects and shakes hands. Where this returns, the server's chain and name are verified.
  ///
  /// - Parameter host: a DNS name, or an address without brackets.
  public mutating func connect(
    to host: borrowing Span<UInt8>, port: Int, until deadline: Int64, attending: Attending
  ) throws(TLSError) {
    close()
    if !isLast(host) || verification.isOld {
      forgetSession()
      unsafe cmbedtls_next_attempt(session, 0)
    }
    // Once more at most: see cmbedtls_next_attempt.
    while true {
      do {
        return try connectOnce(to: host, port: port, until: deadline, attending: attending)
      } catch {
        if !isConnected { throw error }
        close()
        // What the server did not like may have been the old session.
        forgetSession()
        guard unsafe cmbedtls_next_attempt(session, error.handshakeCode) != 0 else { throw error }
      }
    }
  }

  private mutating func connectOnce(
    to host: borrowing Span<UInt8>, port: Int, until deadline: Int64, attending: Attending
  ) throws(TLSError) {
    try setHost(host)
    let opened: FileDescriptor
    do {
      opened = try FileDescriptor(
        connectingTo: host, port: port, preferring: &address, until: deadline,
        attending: attending)
    } catch {
      throw .connect(error)
    }
    unsafe session.pointee.descriptor = opened.rawValue
    unsafe session.pointee.has_ended = 0
    unsafe session.pointee.received = 0
    socket = consume opened
    try shakeHands(until: deadline, attending: attending)
  }

  /// Sends all of `bytes`.
  public mutating func send(
    _ bytes: borrowing Span<UInt8>, until deadline: Int64, attending: Attending
  ) throws(TLSError) {
    var sent = 0
    while sent < bytes.count {
      let ssl = unsafe ssl
      let outcome = unsafe bytes.extracting(sent..<bytes.count).withUnsafeBufferPointer {
        unsafe mbedtls_ssl_write(ssl, $0.baseAddress, $0.count)
      }
      if outcome > 0 {
        sent += Int(outcome)
        continue
      }
      try waitAfter(
        outcome, until: deadline, attending: attending, duringHandshake: false)
    }
  }

  /// Receives what comes next into the buffer's free space.
  ///
  /// - Returns: the number of bytes; zero where the server has said that nothing more comes. An end
  ///   without that word, which anybody on the way can bring about, throws `.closed`.
  public mutating func receive(
    into buffer: inout Buffer, until deadline: Int64, attending: Attending
  ) throws(TLSError) -> Int {
    while true {
      var outcome: Int32 = 0
      let ssl = unsafe ssl
      let count = unsafe buffer.append { space in
        outcome = unsafe mbedtls_ssl_read(
          ssl, space.baseAddress?.assumingMemoryBound(to: UInt8.self), space.count)
        return max(0, Int(outcome))
      }
      if count > 0 { return count }
      if outcome == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY { return 0 }
      if cmbedtls_is_session_ticket(outcome) != 0 { saveSession() }
      // Zero is also what two empty records in a row lead to.
      if outcome == 0, unsafe session.pointee.has_ended != 0 { throw .closed }
      try waitAfter(
        outcome, until: deadline, attending: attending, duringHandshake: false)
    }
  }

  /// Ends the connection; the session can be resumed.
  public mutating func close() {
    guard socket != nil else { return }
    unsafe mbedtls_ssl_close_notify(ssl)
    socket = nil
    unsafe session.pointee.descriptor = -1
  }

  private var ssl: UnsafeMutablePointer<mbedtls_ssl_context> {
    unsafe UnsafeMutableRawPointer(session).assumingMemoryBound(to: mbedtls_ssl_context.self)
  }

  private func isLast(_ host: borrowing Span<UInt8>) -> Bool {
    let last = verification.host.bytes
    return last.count == host.count + 1 && last.extracting(first: host.count).equals(host)
  }

  private mutating func setHost(_ host: borrowing Span<UInt8>) throws(TLSError) {
    verification.host = Text(host)
    verification.host.append(0)
    verification.address = parseAddress(host) ?? Text()
    let reset = unsafe mbedtls_ssl_session_reset(ssl)
    if reset != 0 { throw .setUp(reset) }
    // No SNI and no DNS comparison for an address (RFC 6066 §3).
    let isAddress = !verification.address.isEmpty
    let ssl = unsafe ssl
    let outcome = unsafe verification.host.bytes.withUnsafeBytes { name in
      unsafe mbedtls_ssl_set_hostname(
        ssl, isAddress ? nil : name.baseAddress?.assumingMemoryBound(to: CChar.self))
    }
    if outcome != 0 { throw .setUp(outcome) }
  }

  private mutating func shakeHands(
    until deadline: Int64, attending: Attending
  ) throws(TLSError) {
    let isOffered =
      unsafe session.pointee.has_saved != 0
      && mbedtls_ssl_set_session(ssl, &session.pointee.saved) == 0
    var isVerified = false
    var received: Int32 = 0
    while unsafe cmbedtls_is_over(ssl) == 0 {
      var chain: UnsafeMutablePointer<mbedtls_x509_crt>? = nil
      let outcome = unsafe cmbedtls_shake_hands(ssl, &chain)
      if outcome == 0 {
        guard let chain = unsafe chain else { continue }
        try unsafe verification.judge(chain)
        isVerified = true
        continue
      }
      guard outcome == MBEDTLS_ERR_SSL_WANT_READ || outcome == MBEDTLS_ERR_SSL_WANT_WRITE else {
        throw handshakeError(outcome)
      }
      unsafe received += session.pointee.received
      if received > Self.handshakeLimit { throw .handshake(MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE) }
      try waitAfter(
        outcome, until: deadline, attending: attending, duringHandshake: true)
    }
    let downgrade = unsafe cmbedtls_downgrade_error(session)
    if downgrade != 0 { throw .handshake(downgrade) }
    handshakes += 1
    if isVerified {
      // One that was saved before goes, with the verdict that it had.
      if unsafe cmbedtls_has_session(ssl) != 0 { saveSession() } else { forgetSession() }
      return
    }
    // Without a chain it can only be the session that was verified before it was saved.
    guard isOffered else {
      throw .certificate(CertificateFault(flags: UInt32(MBEDTLS_X509_BADCERT_OTHER)))
    }
    resumptions += 1
  }

  private func handshakeError(_ code: Int32) -> TLSError {
    // Such as name constraints that are critical.
    if code / 128 * 128 == MBEDTLS_ERR_X509_INVALID_EXTENSIONS {
      return .certificate(CertificateFault(flags: UInt32(MBEDTLS_X509_BADCERT_OTHER)))
    }
    return cmbedtls_is_protocol_version_error(code) != 0 ? .protocolVersion : .handshake(code)
  }

  /// Waits for what mbedTLS asked for, or throws what it reported.
  private func waitAfter(
    _ outcome: Int32, until deadline: Int64, attending: Attending, duringHandshake: Bool
  ) throws(TLSError) {
    var readiness = Readiness.readable
    if outcome == MBEDTLS_ERR_SSL_WANT_WRITE || cmbedtls_is_session_ticket(outcome) != 0 {
      // After a ticket, more may have been received already: this looks at the deadline only.
      readiness = .writable
    } else if outcome == MBEDTLS_ERR_SSL_CONN_EOF {
      throw .closed
    } else if outcome != MBEDTLS_ERR_SSL_WANT_READ, outcome != 0 {
      throw .transfer(outcome)
    }
    unsafe session.pointee.received = 0
    let wakeup = unsafe wait(
      for: readiness, on: session.pointee.descriptor, until: deadline, attending: attending)
    switch wakeup {
    case .ready: return
    case .timedOut: throw .timedOut(duringHandshake: duringHandshake)
    case .interrupted: throw .interrupted
    }
  }

  private func saveSession() {
    forgetSession()
    unsafe session.pointee.has_saved =
      unsafe mbedtls_ssl_get_session(ssl, &session.pointee.saved) == 0 ? 1 : 0
  }

  private func forgetSession() {
    unsafe mbedtls_ssl_session_free(&session.pointee.saved)
    unsafe mbedtls_ssl_session_init(&session.pointee.saved)
    unsafe session.pointee.has_saved = 0
  }
}

extension TLSError {
  /// What mbedTLS said of the handshake, or 0.
  fileprivate var handshakeCode: Int32 {
    if case .handshake(let code) = self { return code }
    return 0
  }
}

private let randomCallback:
  @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int) -> Int32 = {
    _, output, count in
    let space = unsafe UnsafeMutableRawBufferPointer(start: output, count: count)
    return unsafe (try? fillWithRandom(space)) == nil ? MBEDTLS_ERR_SSL_INTERNAL_ERROR : 0
  }

private let sendCallback:
  @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<UInt8>?, Int) -> Int32 = {
    context, bytes, count in
    let session = unsafe context!.assumingMemoryBound(to: cmbedtls_session.self)
    let outcome = unsafe FileDescriptor.send(
      to: session.pointee.descriptor, UnsafeRawBufferPointer(start: bytes, count: count))
    switch outcome {
    case .bytes(let sent): return Int32(truncatingIfNeeded: sent)
    case .wouldBlock: return MBEDTLS_ERR_SSL_WANT_WRITE
    // The server is gone, whatever the kernel calls it.
    case .failed: return MBEDTLS_ERR_SSL_CONN_EOF
    }
  }

private let receiveCallback:
  @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int) -> Int32 = {
    context, bytes, count in
    let session = unsafe context!.assumingMemoryBound(to: cmbedtls_session.self)
    if unsafe session.pointee.received >= TLSSession.receivedLimit {
      return MBEDTLS_ERR_SSL_WANT_READ
    }
    let outcome = unsafe FileDescriptor.receive(
      from: session.pointee.descriptor,
      into: UnsafeMutableRawBufferPointer(start: bytes, count: count))
    switch outcome {
    case .bytes(0):
      unsafe session.pointee.has_ended = 1
      return 0
    case .bytes(let count):
      let received = Int32(truncatingIfNeeded: count)
      unsafe session.pointee.received += received
      return received
    case .wouldBlock: return MBEDTLS_ERR_SSL_WANT_READ
    // Cut, not ended: what came so far must not pass for the whole.
    case .failed: return MBEDTLS_ERR_NET_CONN_RESET
    }
  }
