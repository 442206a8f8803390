import Foundation
import HTTP
import TestSupport
import Testing

@Suite struct DateTests {
  private static let formatter: DateFormatter = {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "GMT")
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return formatter
  }()

  private func parse(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    let memory = GuardedMemory(capacity: bytes.count)
    return memory.with(bytes[...]) { parseHTTPDate($0) }
  }

  @Test(
    arguments: [
      ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
      ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
      ("Tue, 19 Jan 2038 03:14:08 GMT", 2_147_483_648),
      ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
      ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
    ] as [(String, Int64)])
  func knownDates(text: String, expected: Int64) {
    #expect(parse(text) == expected)
  }

  @Test func randomDatesAgreeWithFoundation() {
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<3000 {
      let seconds = Int64.random(in: 0...253_402_300_799, using: &generator)
      let text = Self.formatter.string(from: Date(timeIntervalSince1970: TimeInterval(seconds)))
      #expect(parse(text) == seconds, "\(text)")
    }
  }

  @Test func everyMonthOfEightCenturiesFollowsTheOneBefore() {
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    var day: Int64 = 0
    for year in 1970..<2770 {
      let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
      for (month, length) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        .enumerated()
      {
        let text = "Xxx, \(length) \(months[month]) \(year) 00:00:00 GMT"
        day += Int64(length)
        #expect(parse(text) == (day - 1) * 86400, "\(text)")
      }
    }
  }

  @Test(arguments: [
    "", "GMT", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 GMT ", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 32 Nov 1994 08:49:37 GMT",
    "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT",
    "Sun, 06 Nov 1969 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 Nov -994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:3x GMT",
    "Sun  06 Nov 1994 08:49:37 GMT",
    "Sun,_06 Nov 1994 08:49:37 GMT", "Sun, 06_Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov_1994 08:49:37 GMT",
    "Sun, 06 Nov 1994_08:49:37 GMT", "Sun, 06 Nov 1994 08.49:37 GMT",
    "Sun, 06 Nov 1994 08:49.37 GMT",
    "1994-11-06T08:49:37Z",
  ])
  func whatIsNotADateOfTheStandardIsRefused(text: String) {
    #expect(parse(text) == nil)
  }
}
