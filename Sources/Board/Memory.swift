public import Bytes
public import OAuth

// Theory of operation.
//
// Every buffer that is too large for the stack is planned for at the start: whoever makes a life
// builds one `BoardMemory`, whose parts move into their owners. What is not copyable can be in one
// place only, so two that use the same bytes do not compile. Each owner wipes what held secrets.

/// For requests and answers.
@frozen
public struct ExchangeMemory: ~Copyable {
  /// The body of a request. A refresh request carries a 16 KiB refresh token, each byte of which
  /// may need three in form encoding, beside the client's credentials.
  public var form: Buffer
  /// A whole request: the body, or a 16 KiB access token, behind a head of less than 8 KiB.
  public var request: Buffer
  /// What is read from the connection at a time.
  public var received: Buffer
  /// The body of an answer: the limit of 64 KiB, and one byte more to see that it was passed.
  public var body: Buffer
  /// The endpoints that an issuer names: `Endpoint.count` URLs of 512 bytes.
  public var endpoints: Buffer

  public init(
    form: consuming Buffer, request: consuming Buffer, received: consuming Buffer,
    body: consuming Buffer, endpoints: consuming Buffer
  ) {
    self.form = form
    self.request = request
    self.received = received
    self.body = body
    self.endpoints = endpoints
  }
}

/// For the grant and its files.
@frozen
public struct KeeperMemory: ~Copyable {
  public var tokens: Tokens
  /// The token file: both tokens as JSON strings, where a byte may need six (\u00XX), beside the
  /// other members.
  public var file: Buffer
  /// A line with an access token, on its way into the file that publishes it.
  public var line: Buffer

  public init(tokens: consuming Tokens, file: consuming Buffer, line: consuming Buffer) {
    self.tokens = tokens
    self.file = file
    self.line = line
  }
}

/// For those who are attended to.
@frozen
public struct AttendantMemory: ~Copyable {
  /// The access token that the socket hands out, while the others are being renewed.
  public var token: Buffer
  /// A line of the socket with an access token.
  public var answer: Buffer
  /// What a hook is told: URIs of at most 3 KiB, a code, a reason of at most 2 KiB.
  public var facts: Buffer

  public init(token: consuming Buffer, answer: consuming Buffer, facts: consuming Buffer) {
    self.token = token
    self.answer = answer
    self.facts = facts
  }
}
