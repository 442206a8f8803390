import Linux
import TLS

/// The way to the server, and what is wrong with it.
final class Network {
  private var trouble = Trouble.none
  private var troubleUntil: Int64 = 0
  /// Grows when the board gets another address: connections of before lead nowhere.
  private(set) var epoch = 0
  /// Grows when other name servers are to be asked.
  private(set) var nameServers = 0
  private let hasServer: Bool

  init(_ personality: Personality) {
    hasServer = personality.isThere
    if !hasServer { trouble(.portal, until: Int64.max) }
  }

  func trouble(_ trouble: Trouble, until end: Int64) {
    if end < troubleUntil { return }
    self.trouble = trouble
    troubleUntil = end
  }

  func changeAddress() { epoch += 1 }

  func changeNameServers() { nameServers += 1 }

  func present(_ now: Int64) -> Trouble { now < troubleUntil ? trouble : .none }

  func isTroubled(_ now: Int64) -> Bool { now < troubleUntil }
}

/// What becomes of one request.
enum Fate {
  case answered
  /// It does not get there, and whether the connection ends.
  case requestLost(closes: Bool)
  /// The server has it, and nothing comes back.
  case answerLost(closes: Bool)
  /// The answer ends somewhere.
  case cut
}

extension Universe {
  /// What becomes of the request that is sent now.
  func fate(_ trouble: Trouble) -> Fate {
    if trouble == .answersLost { return .answerLost(closes: chance(1, of: 4)) }
    if !chance(script.losses, of: 1000) { return .answered }
    switch random(4) {
    case 0: return .requestLost(closes: chance(1, of: 2))
    case 1: return .answerLost(closes: chance(1, of: 2))
    default: return .cut
    }
  }

  /// What something says in the server's stead; nil where nothing does.
  func replacement(_ trouble: Trouble) -> Answer? {
    switch trouble {
    case .unavailable:
      counts[.serverUnavailable] += 1
      var answer = Answer([503, 503, 429, 500, 502, 504, 408][random(7)])
      if chance(1, of: 3) { answer.body.append(#"{"error":"temporarily_unavailable"}"#) }
      if chance(1, of: 4) { answer.retryAfter = Int64(random(40)) }
      return answer
    case .refuses:
      counts[.serverRefuses] += 1
      return Answer(
        401, #"{"error":"invalid_client","error_description":"\u009b2J not Zq7c0x0.secret"}"#)
    case .gateway:
      counts[.gateway] += 1
      let status = [502, 504, 500, 404, 403, 302, 400, 401][random(8)]
      // A word that is nobody's verdict, in one of the shapes that gateways and frameworks have.
      switch random(4) {
      case 0: return Answer(status, #"{"message":"Bad Request"}"#)
      case 1: return Answer(status, #"{"status":400,"error":"Bad Request","path":"/token"}"#)
      case 2: return Answer(status)
      default: return Answer(status, "<html>gateway</html>", isHTML: true)
      }
    case .portal:
      counts[.webPage] += 1
      return Answer(200, "<html>Welcome to the hotel</html>", isHTML: true)
    case .none, .refused, .hung, .nameUnknown, .answersLost: return nil
    }
  }

  /// The bytes of a response, in one of the forms that HTTP has.
  ///
  /// - Returns: also whether its end is the connection's.
  func write(_ answer: Answer, closes: Bool) -> (bytes: [UInt8], endsWithClose: Bool) {
    var bytes: [UInt8] = []
    if chance(1, of: 40) {
      counts[.interimAnswer] += 1
      bytes.append("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
    }
    bytes.append("HTTP/1.1 ")
    bytes.append(decimal: Int64(answer.status))
    bytes.append(chance(1, of: 2) ? " Word\r\n" : "\r\n")
    bytes.append(
      answer.isHTML
        ? "Content-Type: text/html; charset=utf-8\r\n"
        : "Content-Type: application/json\r\nCache-Control: no-store\r\n")
    if let seconds = answer.retryAfter {
      bytes.append("Retry-After: ")
      bytes.append(decimal: seconds)
      bytes.append("\r\n")
    }
    if closes { bytes.append("Connection: close\r\n") }
    if answer.status != 204, chance(1, of: 10), closes {
      counts[.answerToClose] += 1
      bytes.append("\r\n")
      bytes.append(contentsOf: answer.body)
      return (bytes, true)
    }
    writeBody(answer.body, to: &bytes)
    return (bytes, false)
  }

  private func writeBody(_ body: [UInt8], to bytes: inout [UInt8]) {
    if !chance(1, of: 5) {
      bytes.append("Content-Length: ")
      bytes.append(decimal: Int64(body.count))
      bytes.append("\r\n\r\n")
      bytes.append(contentsOf: body)
      return
    }
    counts[.chunkedAnswer] += 1
    bytes.append("Transfer-Encoding: chunked\r\n\r\n")
    var start = 0
    while start < body.count {
      let end = min(body.count, start + 1 + random(body.count))
      for digit in String(end - start, radix: 16).utf8 { bytes.append(digit) }
      bytes.append("\r\n")
      bytes.append(contentsOf: body[start..<end])
      bytes.append("\r\n")
      start = end
    }
    bytes.append("0\r\n\r\n")
  }
}
