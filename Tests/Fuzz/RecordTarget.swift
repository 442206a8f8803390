import Bytes
import OAuth
import TestSupport
import TokenStore

nonisolated(unsafe) private let tokens = (memory(Tokens.limit), memory(Tokens.limit))
nonisolated(unsafe) private let output = memory(128 * 1024)

/// What is written of the record that bytes are; nil where they are none.
private func written(_ bytes: borrowing Span<UInt8>) -> [UInt8]? {
  var record = TokenRecord(
    tokens: Tokens(
      accessToken: Buffer(storage: tokens.0), refreshToken: Buffer(storage: tokens.1)))
  guard record.read(bytes) else {
    require(record.isEmpty, "what is no record is empty")
    return nil
  }
  require(Tokens.allow(record.tokens.accessToken.bytes), "a token that a header can hold")
  require((record.tokens.expiresAt ?? 0) >= 0, "no time before 1970")
  var file = Buffer(storage: output)
  record.write(to: &file)
  require(!file.isTruncated, "a file no larger than stated")
  return array(file.bytes)
}

/// The reader of the token file: a record that is read can be written, and read, and is the same.
func fuzzRecord(_ input: Input) {
  guard let once = written(input.span) else { return }
  guard let twice = written(once.span) else {
    return require(false, "what is written can be read")
  }
  require(once == twice, "what is written and read is the same")
}
