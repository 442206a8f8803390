public import Bytes
public import Linux

/// Why a display shows nothing.
public enum DisplayError: Error, Sendable {
  /// What a driver asks of the kernel.
  public enum Attempt: Sendable {
    case open
    case readMode
    case map
    case create
    case write
    case replace
  }

  /// The kernel refused.
  case system(Attempt, Path, Errno)
  /// Writing to a console failed; its descriptor.
  case console(descriptor: Int32, Errno)
  /// The framebuffer is of a kind that this program can't paint.
  case unsupported(UnsupportedFramebuffer, Path)
  /// A picture file needs more memory than there is, or has no pixels; width and height in pixels.
  case size(width: Int, height: Int, Path)
}

extension ByteSink where Self: ~Copyable {
  /// Appends what was attempted, on what, and why it failed, as in "cannot open /dev/fb0:
  /// Permission denied".
  public mutating func append(_ error: DisplayError) {
    switch error {
    case .system(let attempt, let path, let errno):
      append(attempt.words)
      append(escaped: path.bytes)
      append(": ")
      append(errno)
    case .console(let descriptor, let errno):
      append("cannot write to the console on descriptor ")
      append(decimal: Int64(descriptor))
      append(": ")
      append(errno)
    case .unsupported(let reason, let path):
      append("cannot paint on ")
      append(escaped: path.bytes)
      append(": ")
      append(reason)
    case .size(let width, let height, let path):
      append("cannot hold a picture of ")
      append(decimal: Int64(width))
      append("x")
      append(decimal: Int64(height))
      append(" pixels for ")
      append(escaped: path.bytes)
    }
  }
}

extension Text.StringInterpolation {
  public mutating func appendInterpolation(_ error: DisplayError) {
    // A path of which every byte is escaped, and the words around it.
    var description = Text<2048>()
    description.append(error)
    appendInterpolation(description)
  }
}

extension DisplayError.Attempt {
  fileprivate var words: StaticString {
    switch self {
    case .open: "cannot open "
    case .readMode: "cannot read the framebuffer mode of "
    case .map: "cannot map "
    case .create: "cannot create "
    case .write: "cannot write "
    case .replace: "cannot put the new picture in place of "
    }
  }
}
