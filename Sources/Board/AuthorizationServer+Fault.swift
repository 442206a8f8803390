internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import HTTP
internal import JSON
internal import OAuth
internal import TLS

/// What the server's answers make of faults, and the words of those.
extension AuthorizationServer {
  /// The fault of an answer that brought no code.
  func fault(_ error: DeviceAuthorizationError) -> Fault {
    let status = head.status
    let party = Party.deviceAuthorization
    switch error {
    case .refused: return Fault(.codeRefused, party, status: status)
    case .unavailable: return Fault(.unavailable, party, status: status)
    case .notJSON(let error):
      if isWebPage { return Fault(.webPage, party, status: status) }
      return Fault(.notJSON, party, status: status | Int(error.rawValue) &<< 10)
    case .unexpectedStatus:
      return Fault(isWebPage ? .webPage : .noReason, party, status: status)
    case .missing(let member): return Fault(.missingMember, party, Int32(member.rawValue))
    case .tooLong(let member): return Fault(.longMember, party, Int32(member.rawValue))
    }
  }

  /// The fault of an answer that ends the polling.
  func fault(_ answer: PollAnswer) -> Fault {
    if case .unusable(let error) = answer { return .tokens(.token, error) }
    return Fault(.pollRefused, .token, status: head.status)
  }

  /// The fault of an answer that says nothing.
  func silence(_ endpoint: Endpoint) -> Fault {
    Fault(.silence, Party(endpoint), status: head.status | (isWebPage ? Self.pageBit : 0))
  }

  /// Beside the status of a silence: the answer was a web page.
  private static var pageBit: Int { 4096 }

  /// Where the certificate's dates are the fault and the clock has not been set, it is the clock's.
  func blamingClock(_ fault: Fault) -> Fault {
    guard let error = fault.tlsError, error.concernsTime,
      world.unixSeconds < releaseUnixSeconds
    else { return fault }
    return Fault(.clock, fault.party, fault.detail)
  }

  /// Who is asked; the issuer until the endpoints are known.
  func host(of party: Party) -> Text<256> {
    guard let url = url(of: party) ?? url(of: .authorizationServerMetadata) else { return Text() }
    return Text(url.host)
  }

  @inline(never)
  private func url(of party: Party) -> URL? {
    switch party {
    case .deviceAuthorization: client.url(of: .deviceAuthorization)
    case .token: client.url(of: .token)
    case .refresh: client.url(of: .refresh)
    case .userinfo: client.url(of: .userinfo)
    case .revocation: client.url(of: .revocation)
    case .authorizationServerMetadata: client.metadataURL(.authorizationServer)
    case .openIDProviderMetadata: client.metadataURL(.openIDProvider)
    case .nobody: nil
    }
  }

  /// Says what an exchange came to.
  ///
  /// - Returns: false where the fault is no exchange's, and nothing has been said.
  @inline(never)
  func tell(_ fault: Fault, to line: Line) -> Bool {
    if fault.kind == .interrupted {
      line <- "interrupted by a signal"
      return true
    }
    // What those mean is the grant's to say.
    if fault.kind == .accessRefused || fault.kind == .scopeMissing { return false }
    guard let url = url(of: fault.party) else {
      guard fault.kind == .noUserinfo else { return false }
      line <- "userinfo_endpoint is not set, and the provider has none; set it"
      return true
    }
    if let error = fault.tlsError {
      if fault.kind == .clock {
        line <- "clock not set (it says " <- Instant(world.unixSeconds) <- "): "
      }
      line <- url.authority <- ": " <- error
    } else {
      tell(fault, of: url, to: line)
    }
    return true
  }

  private func tell(_ fault: Fault, of url: borrowing URL, to line: Line) {
    switch fault.kind {
    case .incompleteAnswer: tell(.incomplete, of: url, to: line)
    case .http: tell(HTTPError(rawValue: UInt8(fault.detail))!, of: url, to: line)
    case .silence:
      let isPage = fault.detail >= Self.pageBit
      line <- url.authority <- ": "
      line <- (isPage ? "a web page (captive portal?)" : "no answer to go by")
      if reason.code.isEmpty {
        line <- ", HTTP status " <- fault.detail % Int32(Self.pageBit)
      } else {
        line <- ", " <- reason
      }
    case .refreshRefused:
      line <- "the server refused the refresh: " <- reason
      tellHelp(to: line)
    case .unanswered:
      line <- url.authority <- ": the answer to the last refresh is missing, and the refresh token "
      line <- "may be used up: it is sent again when the access token ends (lost_answer)"
    case .grantEnded: line <- "the server no longer takes the refresh token: " <- reason
    case .unavailable:
      line <- "HTTP failed: " <- url <- " is unavailable, HTTP status " <- fault.detail
    case .codeRefused, .pollRefused, .notJSON, .webPage, .noReason, .status, .noMetadata:
      line <- url
      tellVerdict(fault, to: line)
    default:
      line <- url <- ": "
      tellContents(fault, to: line)
    }
  }

  private func tell(_ error: HTTPError, of url: borrowing URL, to line: Line) {
    line <- url.authority <- ": HTTP failed: " <- error.description
  }

  /// Says what the answer was, behind its address.
  private func tellVerdict(_ fault: Fault, to line: Line) {
    let status = fault.detail
    switch fault.kind {
    case .codeRefused:
      line <- " refused the request for a code: " <- reason
      tellHelp(isCertain: true, to: line)
    case .pollRefused:
      line <- " refused the poll: " <- reason
      tellHelp(to: line)
    case .notJSON:
      let error = JSONError(rawValue: UInt8(truncatingIfNeeded: status &>> 10)) ?? .malformed
      line <- " answered with " <- error.description <- ", HTTP status " <- status % 1024
    case .webPage:
      line <- " answered with a web page, HTTP status " <- status
      line <- ": a captive portal, or a wrong URL?"
    case .noReason: line <- " answered with HTTP status " <- status <- " and no reason"
    case .noMetadata: line <- " answered with HTTP status " <- status <- ", not metadata"
    default: line <- " answered with HTTP status " <- status
    }
    if head.isRedirect { line <- " (it points to " <- head.location.bytes <- ")" }
  }

  /// Says what has to be registered with the provider, where it is the client that is refused.
  private func tellHelp(isCertain: Bool = false, to line: Line) {
    let help = client.preset.setUpHelp
    if help.utf8CodeUnitCount == 0 { return }
    if isCertain || reason.code.bytes.firstIndex(of: "client") != nil { line <- "; " <- help }
  }

  /// Says what is wrong with what the answer holds.
  private func tellContents(_ fault: Fault, to line: Line) {
    let name = (Member(rawValue: UInt8(truncatingIfNeeded: fault.detail)) ?? .accessToken).name
    switch fault.kind {
    case .missingMember: line <- "the answer has no usable " <- name
    case .longMember: line <- "the answer's " <- name <- " is too long"
    case .tokenType: line <- "token_type '" <- reason.code.bytes <- "' is not bearer"
    case .longToken: line <- "the " <- name <- " is larger than 16 KiB"
    case .malformedToken:
      line <- "the " <- name <- " holds what is not visible ASCII (RFC 6750 2.1)"
    default: if let metadataError { line <- metadataError }
    }
  }
}
