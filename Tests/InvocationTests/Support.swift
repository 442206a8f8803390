import Board
import Bytes
import Configuration
import Foundation
import Invocation
import Linux
import TestSupport

/// Words as `main` gets them. They stay: whatever is read of them points there.
func commandLine(_ words: [String]) -> Linux.CommandLine {
  let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: words.count + 2)
  for (index, word) in (["devicegrant"] + words).enumerated() { list[index] = strdup(word) }
  list[words.count + 1] = nil
  return Linux.CommandLine(count: Int32(words.count + 1), words: list)
}

func permanent(_ string: String) -> PermanentBytes {
  let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: string.utf8.count)
  _ = bytes.initialize(from: string.utf8)
  return PermanentBytes(UnsafeBufferPointer(bytes))
}

func string(_ bytes: PermanentBytes?) -> String? { bytes.map { string($0.bytes) } }

/// How the program would end for it, and with what words; nil where it would go on.
func refusal(_ body: () throws(StartError) -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error.exitCode.rawValue) " + string(Phrase { error.tell(to: $0) }.bytes)
  }
}
