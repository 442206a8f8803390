import Glibc
import Simulation

/// One of the processes that `board/simulate` runs: lives every so-manieth life, prints what has
/// occurred in them, and stops at the first in which something does not hold.
///
///     simulate SEED LIVES PROCESS PROCESSES [KIND] [--log]
///     simulate SEED --age
///
/// One life alone has the seed itself, as a failure names it; of many each has its own.
@main struct Simulate {
  static func main() {
    var words = Array(CommandLine.arguments.dropFirst())
    if words.count == 2, words[1] == "--age", let seed = UInt64(words[0]) { return growOld(seed) }
    let isLogged = words.contains("--log")
    words.removeAll { $0 == "--log" }
    guard words.count >= 4, let seed = UInt64(words[0]), let lives = Int(words[1]),
      let process = Int(words[2]), let processes = Int(words[3])
    else {
      print("usage: simulate SEED LIVES PROCESS PROCESSES [KIND] [--log]")
      exit(64)
    }
    let kind = words.count > 4 ? Personality.Kind.allCases.first { "\($0)" == words[4] } : nil
    catchCrashes()
    let memory = UniverseMemory()
    var counts = Counts()
    for life in stride(from: process, to: lives, by: processes) {
      let own = lives == 1 ? seed : derivedSeed(seed, life: life)
      prepareObituary(own)
      let universe = Universe(Script(seed: own, kind), seed: own, memory, isLogged: isLogged)
      let fault = universe.live()
      counts.add(universe.counts)
      if let fault { fail(own, fault.rawValue, counts) }
    }
    report(counts)
  }

  /// One long life: what it writes for each refresh stays the same.
  private static func growOld(_ seed: UInt64) {
    catchCrashes()
    prepareObituary(seed)
    let universe = Universe(Script(ofAge: seed), seed: seed)
    let fault = universe.live()
    let counts = universe.counts
    if let fault { fail(seed, fault.rawValue, counts) }
    let thousands = zip(universe.wear.dropFirst(), universe.wear).map { $0 - $1 }
    guard counts[.poll] >= 100_000, counts[.refresh] >= 10_000, let most = thousands.max(),
      let least = thousands.min(), most - least <= least / 100
    else { fail(seed, "growth", counts) }
    print("steps of the disk for each refresh: \(Double(most) / 1000)")
    report(counts)
  }

  private static func report(_ counts: Counts) {
    for occurrence in Occurrence.allCases { print("count \(occurrence) \(counts[occurrence])") }
    fflush(nil)
  }

  private static func fail(_ seed: UInt64, _ invariant: String, _ counts: Counts) -> Never {
    report(counts)
    print("fault \(seed) \(invariant)")
    fflush(nil)
    exit(1)
  }
}

// A life that crashes or never ends is a failure with a seed like any other. The line is written
// before, since a handler of signals can't make one.

private nonisolated(unsafe) var obituary = [UInt8](repeating: 0, count: 64)
private nonisolated(unsafe) var obituaryCount = 0

/// How much of the processor's time a life may take, in seconds: a thousand times what it does.
private let patience = 20

private func prepareObituary(_ seed: UInt64) {
  let text = "fault \(seed) crash\n".utf8
  obituaryCount = text.count
  for (index, byte) in text.enumerated() { obituary[index] = byte }
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(0), &limit)
  limit.rlim_cur = rlim_t(clock() / CLOCKS_PER_SEC + patience)
  setrlimit(__rlimit_resource_t(0), &limit)
}

private func catchCrashes() {
  for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGXCPU] {
    signal(number) { _ in
      _ = obituary.withUnsafeBytes { write(1, $0.baseAddress, obituaryCount) }
      _exit(1)
    }
  }
}
