import TestSupport

/// The seed of life number `life` of a run's seed.
public func derivedSeed(_ seed: UInt64, life: Int) -> UInt64 {
  var generator = SeededGenerator(seed: seed &* 0x9E37_79B9 &+ UInt64(life))
  return generator.next() >> 1
}
