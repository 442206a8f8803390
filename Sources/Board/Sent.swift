internal import Agent
internal import Bytes
internal import JSON
internal import TokenStore

/// The note of a refresh that was sent and is not answered: which tokens it was to replace, how
/// often it was sent, and when first. It holds no secret.
struct Sent: Equatable {
  let generation: Generation
  let count: Int64
  /// In seconds since 1970.
  let at: Int64

  init(generation: Generation, count: Int64, at: Int64) {
    self.generation = generation
    self.count = count
    self.at = at
  }

  /// Reads a note; nil where it is about other tokens, or damaged.
  init?(_ generation: Generation, _ note: borrowing Span<UInt8>) {
    guard let object = try? JSONObject(note), generation.isWritten(in: object),
      let count = object.integer("count"), let at = object.integer("sent_at")
    else { return nil }
    self.init(generation: generation, count: max(1, min(count, 1000)), at: at)
  }

  func write<Sink: ByteSink & ~Copyable>(to sink: inout Sink) {
    var object = JSONWriter()
    generation.write(to: &object, &sink)
    object.member("count", count, to: &sink)
    object.member("sent_at", at, to: &sink)
    object.end(&sink)
  }

  /// The same for the agent. By a clock that was set back meanwhile it is long ago.
  func unanswered(_ unixSeconds: Int64) -> Unanswered {
    let seconds = unixSeconds < at ? 1_000_000 : min(unixSeconds - at, 1_000_000)
    return Unanswered(count: count, age: seconds * 1000)
  }
}
