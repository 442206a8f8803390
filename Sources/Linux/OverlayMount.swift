internal import Bytes
internal import CLinux

/// Where an overlay puts what is written to it (proc_pid_mountinfo(5)).
///
/// - Parameter device: the overlay's, as a directory's status tells it.
/// - Returns: nil where it is no overlay, or hidden.
func upperDirectory(ofOverlay device: UInt64) -> Path? {
  guard let file = try? FileDescriptor(opening: Path("/proc/self/mountinfo"), .readOnly) else {
    return nil
  }
  var number = Text<32>()
  number.append(" ")
  number.append(decimal: Int64(bitPattern: device &>> 32))
  number.append(":")
  number.append(decimal: Int64(bitPattern: device & 0xFFFF_FFFF))
  number.append(" ")
  // Longer ones have too many layers for a board.
  var line = Text<2560>()
  var storage = InlineArray<256, UInt8>(repeating: 0)
  while true {
    var space = storage.mutableSpan
    let count = unsafe space.withUnsafeMutableBytes {
      unsafe read(file.rawValue, $0.baseAddress, $0.count)
    }
    if count <= 0 { return nil }
    for index in 0..<count {
      if storage[index] != UInt8(ascii: "\n") {
        line.append(storage[index])
        continue
      }
      if let upper = upperDirectory(line.bytes, number.bytes) { return upper }
      line.removeAll()
    }
  }
}

/// The same of one line.
func upperDirectory(
  _ line: borrowing Span<UInt8>, _ number: borrowing Span<UInt8>
) -> Path? {
  let option: StaticString = "upperdir="
  // The number is the third field, behind two numbers.
  guard let first = line.firstIndex(of: UInt8(ascii: " ")),
    let second = line.firstIndex(of: UInt8(ascii: " "), from: first + 1),
    line.count >= second + number.count,
    line.extracting(second..<second + number.count).equals(number),
    let start = line.firstIndex(of: option)
  else { return nil }
  let path = line.suffix(from: start + option.utf8CodeUnitCount)
  return Path(path.extracting(first: path.firstIndex(of: UInt8(ascii: ",")) ?? path.count))
}
