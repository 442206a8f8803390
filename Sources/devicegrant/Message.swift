internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import Display
internal import HTTP
internal import Linux
internal import OAuth
internal import TLS
internal import TokenStore

/// One line of words for the log, written where a literal with interpolations stands:
///
///     log.info("polling every \(seconds) s")
///
/// The words lie in one static place and a `Message` itself is empty. There is one thread, and a
/// message is used where it is made; by value, each of some hundred messages would cost the copies
/// of a large text. Text from outside is escaped: whoever interpolates bytes gets that form.
struct Message: ExpressibleByStringInterpolation {
  @inline(__always)
  init(stringLiteral literal: StaticString) { append(literal.utf8Start) }

  init(stringInterpolation: StringInterpolation) {}

  /// Takes the words out, for where they outlive the next message.
  @inline(never)
  static func take(into text: inout Text<2048>) {
    text = messageText
    messageText.removeAll()
  }

  /// Takes the words out and gives them to `body`.
  @inline(never)
  static func takeBytes(_ body: (borrowing Span<UInt8>, _ isTruncated: Bool) -> Void) {
    body(messageText.bytes, messageText.isTruncated)
    messageText.removeAll()
  }

  struct StringInterpolation: StringInterpolationProtocol {
    typealias StringLiteralType = StaticString

    // Nothing to do for so many of them: who used the last message has taken it out.
    @inline(__always)
    init(literalCapacity: Int, interpolationCount: Int) {}

    @inline(__always)
    mutating func appendLiteral(_ literal: StaticString) { append(literal.utf8Start) }

    mutating func appendInterpolation(_ literal: StaticString) { appendLiteral(literal) }

    @inline(never)
    mutating func appendInterpolation(_ number: Int64) { messageText.append(decimal: number) }

    mutating func appendInterpolation(_ number: Int) { appendInterpolation(Int64(number)) }

    mutating func appendInterpolation(_ number: Int32) { appendInterpolation(Int64(number)) }

    @inline(never)
    mutating func appendInterpolation(_ bytes: borrowing Span<UInt8>) {
      messageText.append(escaped: bytes)
    }

    @inline(never)
    mutating func appendInterpolation(date unixSeconds: Int64) {
      messageText.append(date: max(0, unixSeconds))
    }

    @inline(never)
    mutating func appendInterpolation(_ path: borrowing Path) { appendInterpolation(path.bytes) }

    @inline(never)
    mutating func appendInterpolation(_ url: borrowing URL) { appendInterpolation(url.bytes) }

    @inline(never)
    mutating func appendInterpolation(_ error: Errno) { messageText.append(error) }

    @inline(never)
    mutating func appendInterpolation(_ error: TLSError) { messageText.append(error) }

    @inline(never)
    mutating func appendInterpolation(_ error: TokenStoreError) { messageText.append(error) }

    @inline(never)
    mutating func appendInterpolation(_ error: DisplayError) { messageText.append(error) }

    /// Appends words that were a message.
    @inline(never)
    mutating func appendInterpolation(verbatim words: borrowing Text<2048>) {
      messageText.append(words.bytes)
    }

    @inline(never)
    mutating func appendInterpolation(verbatim words: borrowing Text<256>) {
      messageText.append(words.bytes)
    }

    /// Appends what the failure says, which has been escaped already.
    @inline(never)
    mutating func appendInterpolation(_ failure: Failure) {
      Failure.withMessage { messageText.append($0) }
    }

    /// Appends what to look at besides, where there is something.
    @inline(never)
    mutating func appendInterpolation(help: StaticString) {
      if help.utf8CodeUnitCount > 0 { appendLiteral("; ") }
      appendLiteral(help)
    }

    @inline(never)
    mutating func appendInterpolation(_ error: MetadataError) { messageText.append(error) }

    @inline(never)
    mutating func appendInterpolation(_ error: LocalSocketError) { messageText.append(error) }

    @inline(never)
    mutating func appendInterpolation(_ error: borrowing ServerError) {
      if error.code.isEmpty { appendLiteral("no reason given") }
      appendInterpolation(error.code.bytes)
      if !error.details.isEmpty {
        appendLiteral(" (")
        appendInterpolation(error.details.bytes)
        appendLiteral(")")
      }
      appendLiteral(", HTTP status ")
      appendInterpolation(error.status)
    }

    @inline(never)
    mutating func appendInterpolation(_ error: ExchangeError) {
      switch error {
      case .tls(let error): appendInterpolation(error)
      case .http(let error):
        appendLiteral("HTTP failed: ")
        appendLiteral(error.description)
      }
    }
  }
}

/// Appends a literal, by its address alone: there are hundreds of them.
@inline(never)
private func append(_ literal: UnsafePointer<UInt8>) {
  messageText.append(terminated: literal)
}

/// Empty but for the moment in which a message is written and used.
nonisolated(unsafe) private var messageText = Text<2048>()
