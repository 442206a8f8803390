import Bytes
import Glibc
import HTTP

// Theory of operation.
//
// libFuzzer makes inputs, sees which branches of the instrumented sources each one takes, and goes
// on from those that take new ones. A target gives an input to a reader as the program does, and
// ends the process where what comes out is not what it promises. The address sanitizer, and Swift's
// own checks, end it as well. `board/fuzz` builds all this, and says how to replay what was found.

/// What libFuzzer hands over. It ends where the memory of the input does.
typealias Input = UnsafeBufferPointer<UInt8>

/// One reader of text from outside.
typealias Target = @Sendable (Input) -> Void

private let targets: [String: Target] = [
  "response": fuzzResponse, "url": fuzzURL, "json": fuzzJSON, "oauth": fuzzAnswers,
  "configuration": fuzzConfiguration, "metadata": fuzzMetadata, "record": fuzzRecord,
  "pem": fuzzPEM, "der": fuzzDER, "socket": fuzzSocket, "screen": fuzzScreen,
  "fault-flaw": fuzzFlaw, "fault-memory": fuzzMemory,
]

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>,
  _ words: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// The chosen target, which a C function has to find.
nonisolated(unsafe) private var chosen: Target = { _ in }

@main struct Fuzz {
  static func main() {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = targets[name] else {
      print(targets.keys.sorted().joined(separator: "\n"))
      exit(64)
    }
    chosen = target
    var count = CommandLine.argc
    var words = CommandLine.unsafeArgv
    exit(
      runDriver(&count, &words) { start, count in
        chosen(Input(start: start, count: count))
        return 0
      })
  }
}

/// Ends the process where a promise is not kept.
func require(_ isKept: Bool, _ promise: StaticString) {
  if isKept { return }
  print("FLAW: \(promise)")
  fflush(nil)
  abort()
}

extension Input {
  /// What follows the first byte, which chooses something; empty where there is none.
  var rest: Input { Input(rebasing: dropFirst()) }
}

/// Memory that stays: allocated once for each of its users.
func memory(_ capacity: Int) -> UnsafeMutableRawBufferPointer {
  .allocate(byteCount: capacity, alignment: 16)
}

/// The bytes of a text. By index: see the note at `Text.bytes`.
func bytes<let capacity: Int>(of text: borrowing Text<capacity>) -> [UInt8] {
  var bytes: [UInt8] = []
  for index in 0..<text.count { bytes.append(text[index]) }
  return bytes
}

/// Whether a terminal, a log or a line can take the bytes as they are.
func isPrintable(_ bytes: borrowing Span<UInt8>) -> Bool {
  for index in bytes.indices where !bytes[index].isPrintableASCII { return false }
  return true
}

/// What a fuzzer has to find, so that one that finds nothing is known to look: an address of IPv6
/// beside a query, of which no seed has both.
func fuzzFlaw(_ input: Input) {
  guard let url = try? URL(input.span) else { return }
  let isNumeric = url.host.contains(UInt8(ascii: ":"))
  require(!isNumeric || !url.pathAndQuery.contains(UInt8(ascii: "?")), "no seed has both")
}

/// As above: a read of the byte behind an input.
func fuzzMemory(_ input: Input) {
  guard (try? URL(input.span))?.port == 443 else { return }
  require(input.baseAddress![input.count] != input[0], "two bytes that differ")
}
