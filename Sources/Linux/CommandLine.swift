public import Bytes
internal import CLinux

/// The command line as `main` got it.
@safe public struct CommandLine {
  /// The number of words, the program's name among them.
  public let count: Int
  private let words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  /// - Parameter words: as many as `count`, and nil; they live as long as the program.
  public init(count: Int32, words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) {
    self.count = Int(count)
    unsafe self.words = words
  }

  /// The word at an offset from 0; nil behind the last.
  public subscript(_ index: Int) -> PermanentBytes? {
    guard index < count, let word = unsafe words[index] else { return nil }
    return unsafe PermanentBytes(cString: word)
  }

  /// Divides this process: see `OuterProcess`. The words are for the next of its kind.
  func divide(takingSignalsAt signals: Int32) throws(Errno) -> Int32 {
    try result {
      unsafe clinux_divide(signals, words) {
        unsafe isForChildren(PermanentBytes(cString: $0!).bytes)
      }
    }
  }
}
