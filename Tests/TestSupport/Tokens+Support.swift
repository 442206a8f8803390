internal import Bytes
public import OAuth

/// Lends memory for tokens.
public func withTokens<Result, Failure: Error>(
  _ body: (inout Tokens) throws(Failure) -> Result
) throws(Failure) -> Result {
  let storage = (0..<2).map { _ in
    UnsafeMutableRawBufferPointer.allocate(byteCount: Tokens.limit, alignment: 16)
  }
  defer { storage.forEach { $0.deallocate() } }
  var tokens = Tokens(
    accessToken: Buffer(storage: storage[0]), refreshToken: Buffer(storage: storage[1]))
  return try body(&tokens)
}
