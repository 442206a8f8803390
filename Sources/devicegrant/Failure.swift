internal import Bytes

/// How the program ends (sysexits.h), as in the manual.
enum ExitCode: Int32 {
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

/// Why a command ends without having done what it is for: the exit code, and the message that says
/// what was tried, on what, and what to do.
///
/// The message lies in one place, not in the error: typed errors are copied at every step of their
/// way up, and the first failure that reaches the top ends the program.
struct Failure: Error {
  let code: ExitCode

  @inline(never)
  init(_ code: ExitCode, _ message: Message) {
    self.code = code
    Message.take(into: &lastMessage)
  }

  /// The words of the newest failure, as far as a screen has room for them.
  var words: Text<256> {
    @inline(never) get {
      var words = Text<256>()
      words.append(lastMessage.bytes)
      return words
    }
  }

  /// Gives the words of the newest failure to `body`.
  @inline(never)
  static func withMessage(_ body: (borrowing Span<UInt8>) -> Void) {
    body(lastMessage.bytes)
  }
}

nonisolated(unsafe) private var lastMessage = Text<2048>()
