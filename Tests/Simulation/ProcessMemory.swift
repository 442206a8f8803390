import Board
import Bytes
import OAuth

/// The memory of one program: as large as the real one's, and used by one program after another.
final class ProcessMemory {
  private let all = UnsafeMutableRawBufferPointer.allocate(byteCount: 512 * 1024, alignment: 16)
  private var used = 0

  deinit {
    all.deallocate()
  }

  private func part(_ size: Int) -> Buffer {
    let start = used
    used += (size + 15) / 16 * 16
    return Buffer(storage: UnsafeMutableRawBufferPointer(rebasing: all[start..<start + size]))
  }

  /// Begins anew: another program has it from now on.
  func reuse() { used = 0 }

  func exchange() -> ExchangeMemory {
    ExchangeMemory(
      form: part(56 * 1024), request: part(64 * 1024), received: part(4096),
      body: part(64 * 1024 + 1), endpoints: part(5 * 512))
  }

  func keeper() -> KeeperMemory {
    KeeperMemory(
      tokens: Tokens(accessToken: part(Tokens.limit), refreshToken: part(Tokens.limit)),
      file: part(200 * 1024), line: part(20 * 1024))
  }

  func attendant() -> AttendantMemory {
    AttendantMemory(token: part(Tokens.limit), answer: part(20 * 1024), facts: part(8192))
  }
}

/// The memory of all programs of a universe, for one universe after another.
public final class UniverseMemory {
  let main = ProcessMemory()
  let command = ProcessMemory()

  public init() {}
}
