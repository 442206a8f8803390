extension ByteSink where Self: ~Copyable {
  /// Appends an instant as "2026-11-21 06:27:00 UTC".
  ///
  /// - Parameter unixSeconds: since 1970, not before.
  public mutating func append(date unixSeconds: Int64) {
    let days = unixSeconds / 86400
    let second = unixSeconds % 86400
    // Days are counted from 1 March of the year 0, so that a leap day ends a year; an era is the
    // 400 years after which the calendar repeats itself.
    let shifted = days + 719_468
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = shifted / 146_097 * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    append(decimal: year)
    append(twoDigits: month, after: "-")
    append(twoDigits: dayOfYear - (153 * monthFromMarch + 2) / 5 + 1, after: "-")
    append(twoDigits: second / 3600, after: " ")
    append(twoDigits: second / 60 % 60, after: ":")
    append(twoDigits: second % 60, after: ":")
    append(" UTC")
  }

  private mutating func append(twoDigits number: Int64, after separator: StaticString) {
    append(separator)
    append(decimal: number, width: 2, padding: UInt8(ascii: "0"))
  }
}
