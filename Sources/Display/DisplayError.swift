public import Bytes
public import Linux

/// Why a display shows nothing. It says what failed, not on which display: whoever opened that one
/// knows its path.
public enum DisplayError: Error, Equatable, Sendable {
  /// What a driver asks of the kernel.
  public enum Attempt: UInt8, Sendable {
    case open
    case readMode
    case map
    case create
    case write
    case replace
  }

  /// The kernel refused.
  case system(Attempt, Errno)
  /// The framebuffer is of a kind that this program can't paint.
  case unsupported(UnsupportedFramebuffer)
  /// A picture file needs more memory than there is, or has no pixels.
  case size
}

extension ByteSink where Self: ~Copyable {
  /// Appends what was attempted and why it failed, as in "cannot open it: Permission denied".
  public mutating func append(_ error: DisplayError) {
    switch error {
    case .system(let attempt, let errno):
      append("cannot ")
      append(attempt.words)
      append(": ")
      append(errno)
    case .unsupported(let reason):
      append("cannot paint on it: ")
      append(reason)
    case .size:
      append("cannot hold a picture of that size")
    }
  }
}

extension DisplayError.Attempt {
  fileprivate var words: StaticString {
    switch self {
    case .open: "open it"
    case .readMode: "read its framebuffer mode"
    case .map: "map it"
    case .create: "create the file beside it"
    case .write: "write to it"
    case .replace: "put the new picture in its place"
    }
  }
}
