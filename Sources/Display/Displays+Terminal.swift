internal import Linux

/// The text console behind the panels: while a screen is shown, it draws nothing.
extension Displays {
  /// A panel that has been opened may be the text console's.
  mutating func noteNewPanels() {
    if slots.takeNewPanels() { seeksTerminal = terminal == nil }
  }

  /// Keeps the text console behind the panels from drawing, where there is one. What it has drawn
  /// is painted over by the next screen.
  ///
  /// - Returns: whether it was drawing: somebody may have switched it back to text.
  mutating func quietenTerminal() -> Bool {
    findTerminal()
    do {
      guard try terminal?.quieten() == true else { return false }
      slots.invalidate()
      return true
    } catch {
      terminal = nil
      slots.reports.add(.terminalDraws(error))
      return false
    }
  }

  /// Lets the text console draw again. Its cursor would blink in the last screen and is hidden, but
  /// not where this program was started at that console: somebody sits there.
  mutating func giveTerminalBack(hidesCursor: Bool) {
    seeksTerminal = true
    findTerminal()
    if let isOurs = terminal?.isOurs, !isOurs, hasHiddenCursor != hidesCursor {
      terminal?.setCursor(isVisible: !hidesCursor)
      hasHiddenCursor = hidesCursor
    }
    seeksTerminal = terminal != nil
    terminal = nil
  }

  @inline(never)
  private mutating func findTerminal() {
    if !seeksTerminal || terminal != nil { return }
    seeksTerminal = false
    do {
      let found = try VirtualTerminal(opening: Path("/dev/tty0"))
      if slots.contains({ driver in driver.shows(found) }) { terminal = consume found }
    } catch {
      slots.reports.add(.terminalUnknown(error))
    }
  }
}
