import Testing

@testable import Configuration

@Suite struct ByteSetTests {
  /// What inserting each number says, one after the other.
  private func inserting(_ numbers: [Int]) -> [Bool] {
    var set = ByteSet()
    return numbers.map { set.insert(UInt8($0)) }
  }

  @Test(arguments: [1, 3, 7, 31, 63, 129])
  func everyNumberIsTakenOnceInWhateverOrder(step: Int) {
    let numbers = (0..<256).map { $0 * step % 256 }
    let expected = Array(repeating: true, count: 256) + Array(repeating: false, count: 256)
    #expect(inserting(numbers + numbers) == expected)
  }

  @Test(arguments: [(0, 32), (0, 64), (27, 28), (31, 63), (64, 128), (2, 130), (127, 255)])
  func noNumberStandsForAnother(one: Int, other: Int) {
    #expect(inserting([one, other, one, other]) == [true, true, false, false])
  }
}
