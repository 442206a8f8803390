internal import Agent
internal import Configuration
internal import HTTP
internal import Linux
internal import OAuth
internal import TLS
internal import TokenStore

/// How the program ends (sysexits.h), as in the README.
public enum ExitCode: Int32, Sendable {
  case done = 0
  case usage = 64
  case unusableAnswer = 65
  case unavailable = 69
  case defect = 70
  case cannotCreate = 73
  case tokenFile = 74
  case expired = 75
  case denied = 77
  case configuration = 78
}

/// Whom a fault is about, where it is an exchange's.
public enum Party: UInt8, Sendable {
  case deviceAuthorization
  case token
  case refresh
  case userinfo
  case revocation
  /// The issuer's metadata at either place.
  case authorizationServerMetadata
  case openIDProviderMetadata
  /// No server.
  case nobody

  init(_ endpoint: Endpoint) {
    switch endpoint {
    case .deviceAuthorization: self = .deviceAuthorization
    case .token: self = .token
    case .refresh: self = .refresh
    case .userinfo: self = .userinfo
    case .revocation: self = .revocation
    }
  }

  init(_ location: MetadataLocation) {
    switch location {
    case .authorizationServer: self = .authorizationServerMetadata
    case .openIDProvider: self = .openIDProviderMetadata
    }
  }
}

/// Why something did not work: what kind of fault, whose, and one figure. The words are written
/// where it is told, by whoever has what it is about.
///
/// Four bytes, since a typed error is copied at every step of its way up.
public struct Fault: Error, Sendable, Equatable {
  /// What kind of fault. What `detail` says is behind each.
  public enum Kind: UInt8, Sendable {
    // The exchange brought no answer; the figure of `TLSError.code`.
    case connection = 1
    case name
    case connectionTimeout
    case certificate
    /// The certificate's dates are wrong, or the clock is: it has not been set.
    case clock
    case protocolVersion
    case handshake
    case trustAnchors
    case transfer
    case closed
    case handshakeTimeout
    case answerTimeout
    case tlsSetUp
    case interrupted
    /// `HTTPError`
    case http
    case incompleteAnswer

    // The answer is none to go by: HTTP status.
    case unavailable
    case webPage
    case noReason
    case status
    case silence
    /// JSONError
    case notJSON
    /// `Member`
    case missingMember
    case longMember
    case longToken
    case malformedToken
    case tokenType
    /// The metadata are of no use; what is wrong is the server's to say.
    case metadata
    case noMetadata

    // The server's verdict, in its words: HTTP status.
    case codeRefused
    case pollRefused
    case refreshRefused
    case grantEnded
    case accessRefused
    case scopeMissing
    /// A refresh was sent and not answered: it is not sent again yet.
    case unanswered

    // The token file: an error number, a user or a mode.
    case nameTooLong
    case openDirectory
    case read
    case write
    case replace
    case remove
    case foreignOwner
    case foreignMode
    case lockTimeout
    case lock

    // The rest of the board.
    case publication
    case display
    /// LocalSocketError, by its place, and an error number
    case socket
    case defect

    // The grant, and the person.
    case denied
    case expired
    case notSignedIn
    case noRefreshToken
    case accessEnded
    case otherClient
    case signedOut
    case noUserinfo
    /// The grant is erased; its token waits to be revoked.
    case unrevoked
  }

  /// There is no grant for this configuration.
  public static var notSignedIn: Fault { Fault(.notSignedIn) }

  /// Kind, party and figure: 8, 4 and 20 bits.
  public let rawValue: UInt32

  @inline(never)
  init(_ kind: Kind, _ party: Party = .nobody, _ detail: Int32 = 0) {
    let figure = UInt32(bitPattern: detail) & 0xF_FFFF
    rawValue = UInt32(kind.rawValue) &<< 24 | UInt32(party.rawValue) &<< 20 | figure
  }

  @inline(never)
  public var kind: Kind { Kind(rawValue: UInt8(truncatingIfNeeded: rawValue &>> 24)) ?? .defect }

  public var party: Party {
    Party(rawValue: UInt8(truncatingIfNeeded: rawValue &>> 20) & 15) ?? .nobody
  }

  /// An error number, an HTTP status, a code of a library: what `kind` says.
  public var detail: Int32 { Int32(bitPattern: rawValue &<< 12) &>> 12 }

  init(_ kind: Kind, _ party: Party, status: Int) {
    self.init(kind, party, Int32(truncatingIfNeeded: status))
  }
}

extension Fault {
  /// How a command ends that ends for this.
  @inline(never)
  public var exitCode: ExitCode {
    switch kind {
    case .connection, .name, .connectionTimeout, .certificate, .clock, .protocolVersion,
      .handshake, .trustAnchors, .transfer, .closed, .handshakeTimeout, .answerTimeout,
      .interrupted, .incompleteAnswer, .unavailable, .silence, .unanswered, .unrevoked:
      .unavailable
    case .http, .webPage, .noReason, .status, .notJSON, .missingMember, .longMember, .longToken,
      .malformedToken, .tokenType, .metadata, .noMetadata, .codeRefused, .pollRefused,
      .refreshRefused:
      .unusableAnswer
    case .nameTooLong, .openDirectory, .read, .write, .replace, .remove, .foreignOwner,
      .foreignMode, .lockTimeout, .lock:
      .tokenFile
    case .publication, .display, .socket: .cannotCreate
    case .tlsSetUp, .defect: .defect
    case .expired: .expired
    case .grantEnded, .accessRefused, .scopeMissing, .denied, .notSignedIn, .noRefreshToken,
      .accessEnded, .otherClient, .signedOut:
      .denied
    case .noUserinfo: .configuration
    }
  }

  /// Whether it may pass by itself, sooner than a refusal would.
  var isTransient: Bool { exitCode == .unavailable }

  /// What there was of an answer to a refresh.
  var reply: Agent.Reply {
    if party != .refresh { return .none }
    switch kind {
    case .silence: return isUnavailable(Int(detail & 0xFFF)) ? .unavailable : .refusal
    case .refreshRefused, .http, .missingMember, .longToken, .malformedToken, .tokenType:
      return .refusal
    default: return .none
    }
  }

  /// What can be missing outside the board and the server's program.
  enum Surroundings {
    case network
    case name
    case server
    case clock
  }

  /// What is missing outside; nil where it is something else that does not work.
  var missing: Surroundings? {
    switch kind {
    case .connection: Errno(rawValue: detail).isOfNetwork ? .network : .server
    case .connectionTimeout: .server
    case .name: .name
    case .clock: .clock
    default: nil
    }
  }

  /// As programs read it: a word that stays the same from release to release.
  @inline(never)
  public var code: StaticString {
    switch kind {
    case .connection, .connectionTimeout: "connection"
    case .name: "name_resolution"
    case .certificate: "certificate"
    case .clock: "clock_not_set"
    case .protocolVersion, .handshake, .handshakeTimeout, .tlsSetUp: "tls"
    case .trustAnchors: "trust_anchors"
    case .transfer, .closed, .answerTimeout, .incompleteAnswer, .unanswered: "no_answer"
    case .interrupted: "interrupted"
    case .unavailable, .silence, .unrevoked: "unavailable"
    case .webPage: "web_page"
    case .http, .noReason, .status, .notJSON, .missingMember, .longMember, .longToken,
      .malformedToken, .tokenType:
      "unusable_answer"
    case .metadata, .noMetadata: "metadata"
    case .codeRefused, .pollRefused, .refreshRefused: "refused"
    case .grantEnded: "grant_ended"
    case .accessRefused: "access_token_refused"
    case .scopeMissing: "scope_missing"
    case .nameTooLong, .openDirectory, .read, .write, .replace, .remove, .foreignOwner,
      .foreignMode, .lock:
      "token_file"
    case .lockTimeout: "token_file_locked"
    case .publication: "access_token_file"
    case .display: "display"
    case .socket: "socket"
    case .defect: "defect"
    case .denied: "denied"
    case .expired: "expired"
    case .notSignedIn, .otherClient: "not_signed_in"
    case .noRefreshToken, .accessEnded: "no_refresh_token"
    case .signedOut: "signed_out"
    case .noUserinfo: "no_userinfo_endpoint"
    }
  }
}

// MARK: From the errors of the layers

extension Fault {
  @inline(never)
  static func exchange(_ party: Party, _ error: TLSError) -> Fault {
    switch error {
    case .connect(.name(let code)): Fault(.name, party, code)
    case .connect(.connection(let error)): Fault(.connection, party, error.rawValue)
    case .connect(.timedOut): Fault(.connectionTimeout, party)
    case .connect(.interrupted), .interrupted: Fault(.interrupted, party)
    case .certificate(let fault): Fault(.certificate, party, Int32(bitPattern: fault.flags))
    case .protocolVersion: Fault(.protocolVersion, party)
    case .handshake(let code): Fault(.handshake, party, code)
    case .trustAnchors(let error): Fault(.trustAnchors, party, error.rawValue)
    case .transfer(let code): Fault(.transfer, party, code)
    case .closed: Fault(.closed, party)
    case .timedOut(let duringHandshake):
      Fault(duringHandshake ? .handshakeTimeout : .answerTimeout, party)
    case .setUp(let code): Fault(.tlsSetUp, party, code)
    }
  }

  static func exchange(_ party: Party, _ error: HTTPError) -> Fault {
    error == .incomplete
      ? Fault(.incompleteAnswer, party) : Fault(.http, party, Int32(error.rawValue))
  }

  @inline(never)
  static func tokenFile(_ error: TokenStoreError) -> Fault {
    switch error {
    case .nameTooLong: Fault(.nameTooLong)
    case .openDirectory(let error): Fault(.openDirectory, .nobody, error.rawValue)
    case .read(let error): Fault(.read, .nobody, error.rawValue)
    case .write(let error): Fault(.write, .nobody, error.rawValue)
    case .replace(let error): Fault(.replace, .nobody, error.rawValue)
    case .remove(let error): Fault(.remove, .nobody, error.rawValue)
    case .exposed(.owner(let user)): Fault(.foreignOwner, .nobody, Int32(truncatingIfNeeded: user))
    case .exposed(.mode(let mode)): Fault(.foreignMode, .nobody, Int32(truncatingIfNeeded: mode))
    case .lock(.timedOut): Fault(.lockTimeout)
    case .lock(.interrupted): Fault(.interrupted)
    case .lock(.failed(let error)): Fault(.lock, .nobody, error.rawValue)
    }
  }

  @inline(never)
  static func tokens(_ party: Party, _ error: UnusableTokens) -> Fault {
    switch error {
    case .tokenType: Fault(.tokenType, party)
    case .tooLong(let member): Fault(.longToken, party, Int32(member.rawValue))
    case .malformed(let member): Fault(.malformedToken, party, Int32(member.rawValue))
    case .missing: Fault(.missingMember, party, Int32(Member.accessToken.rawValue))
    }
  }

  @inline(never)
  static func socket(_ error: LocalSocketError) -> Fault {
    let (place, number): (Int32, Int32) =
      switch error {
      case .pathTooLong: (0, 0)
      case .directory(let error): (1, error.rawValue)
      case .inUse: (2, 0)
      case .notSocket: (3, 0)
      case .socket(let error): (4, error.rawValue)
      case .group(let error): (5, error.rawValue)
      }
    return Fault(.socket, .nobody, place &<< 12 | number)
  }

  /// As below.
  @inline(never)
  var socketError: LocalSocketError? {
    let error = Errno(rawValue: detail & 0xFFF)
    return switch detail &>> 12 {
    case 0: .pathTooLong
    case 1: .directory(error)
    case 2: .inUse
    case 3: .notSocket
    case 4: .socket(error)
    case 5: .group(error)
    default: nil
    }
  }

  /// The error of the layer again, for its words; nil where the fault is another's.
  @inline(never)
  var tlsError: TLSError? {
    switch kind {
    case .name: .connect(.name(detail))
    case .connection: .connect(.connection(Errno(rawValue: detail)))
    case .connectionTimeout: .connect(.timedOut)
    case .interrupted: .interrupted
    case .certificate, .clock: .certificate(CertificateFault(flags: UInt32(bitPattern: detail)))
    case .protocolVersion: .protocolVersion
    case .handshake: .handshake(detail)
    case .trustAnchors: .trustAnchors(Errno(rawValue: detail))
    case .transfer: .transfer(detail)
    case .closed: .closed
    case .handshakeTimeout: .timedOut(duringHandshake: true)
    case .answerTimeout: .timedOut(duringHandshake: false)
    case .tlsSetUp: .setUp(detail)
    default: nil
    }
  }

  /// As above. A user's number that does not fit is asked for again where it is told.
  @inline(never)
  var tokenStoreError: TokenStoreError? {
    let error = Errno(rawValue: detail)
    return switch kind {
    case .nameTooLong: .nameTooLong
    case .openDirectory: .openDirectory(error)
    case .read: .read(error)
    case .write: .write(error)
    case .replace: .replace(error)
    case .remove: .remove(error)
    case .foreignOwner: .exposed(.owner(UInt32(bitPattern: detail)))
    case .foreignMode: .exposed(.mode(UInt32(bitPattern: detail)))
    case .lockTimeout: .lock(.timedOut)
    case .lock: .lock(.failed(error))
    default: nil
    }
  }
}
