internal import Bytes

/// Reads a Retry-After value: whole seconds or a date (RFC 9110 §10.2.3). Anything else is nil, as
/// if it were not there.
func parseRetryAfter(_ value: borrowing Span<UInt8>) -> RetryAfter? {
  if let seconds = value.parseDecimal() { return .seconds(seconds) }
  if let instant = parseHTTPDate(value) { return .date(instant) }
  return nil
}

/// Reads a date in the form that servers must send (IMF-fixdate, RFC 9110 §5.6.7), as
/// "Sun, 06 Nov 1994 08:49:37 GMT", into seconds since 1970.
public func parseHTTPDate(_ value: borrowing Span<UInt8>) -> Int64? {
  guard value.count == 29, value.extracting(3..<5).equals(", "), value[7] == UInt8(ascii: " "),
    value[11] == UInt8(ascii: " "), value[16] == UInt8(ascii: " "), value[19] == UInt8(ascii: ":"),
    value[22] == UInt8(ascii: ":"), value.suffix(from: 25).equals(" GMT"),
    let day = value.extracting(5..<7).parseDecimal(), day >= 1, day <= 31,
    let month = parseMonth(value.extracting(8..<11)),
    let year = value.extracting(12..<16).parseDecimal(), year >= 1970,
    let hour = value.extracting(17..<19).parseDecimal(), hour < 24,
    let minute = value.extracting(20..<22).parseDecimal(), minute < 60,
    let second = value.extracting(23..<25).parseDecimal(), second <= 60
  else { return nil }
  return daysSince1970(year: year, month: month, day: day) * 86400
    + hour * 3600 + minute * 60 + second
}

private func parseMonth(_ name: borrowing Span<UInt8>) -> Int64? {
  let names: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
  for month in 0..<12 where names.bytes.extracting(month * 3..<month * 3 + 3).equals(name) {
    return Int64(month + 1)
  }
  return nil
}

/// Counts days in the proleptic Gregorian calendar. The year is taken to begin in March, so that
/// the leap day comes last and the lengths of the months before it follow one formula.
private func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
  let shifted = month <= 2 ? year - 1 : year
  let monthFromMarch = (month + 9) % 12
  let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
  return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
}
