internal import Bytes
internal import Configuration
internal import Linux

/// One display: what was chosen, and how far that has come.
///
/// Not copyable only because the compiler copies all slots for a look at one that is.
struct Slot<Opener: DriverOpener>: ~Copyable {
  /// nil where there is no such display.
  private var kind: DisplayChoice.Kind?
  private var path = PermanentBytes("")
  /// What it is called.
  private(set) var name = PermanentBytes("")
  private(set) var driver: Opener.Opened?
  private(set) var policy = SlotPolicy()
  /// Whether a terminal did not take the last screen.
  private var isStopped = false

  /// Whether it has been opened as a panel since somebody last set this to false.
  var isNewPanel = false
  /// Whether it shows the time left, or did.
  private(set) var showsTime = false
  /// Whether it goes dark when the program ends, or did.
  private(set) var endsWithProgram = false

  /// No display.
  @inline(never)
  init() {}

  mutating func choose(_ kind: DisplayChoice.Kind, _ path: PermanentBytes) {
    self.kind = kind
    self.path = path
    name = path
    switch kind {
    case .automatic: policy = SlotPolicy(comesAndGoes: true, isOptional: true)
    case .framebuffer, .card: policy = SlotPolicy(comesAndGoes: true)
    case .pbm, .console: break
    }
  }

  @inline(never)
  mutating func openAtStart(
    _ index: Int, _ opener: inout Opener, _ reports: inout DisplayReports
  ) {
    do { try open(index, &opener) } catch {
      if policy.failedAtStart(error) == .refusal { reports.giveUp(name, error) }
    }
  }

  /// Shows a screen, where there is something to show it on.
  ///
  /// - Parameter looks: whether to look for a display that is awaited.
  @inline(never)
  mutating func show(
    _ screen: borrowing Screen, looks: Bool, _ index: Int, _ opener: inout Opener,
    _ reports: inout DisplayReports, _ attending: Attending
  ) {
    var loss: DisplayError?
    if let driver {
      do {
        let isStopped = try !driver.show(screen, attending: attending)
        if isStopped, !self.isStopped { reports.stop(name) }
        self.isStopped = isStopped
        return
      } catch {
        close()
        if !policy.comesAndGoes {
          reports.giveUp(name, error)
          return
        }
        loss = error
      }
    } else if !looks || policy.awaited == nil {
      return
    }
    reopen(screen, loss, index, &opener, &reports, attending)
  }

  /// Opens a display that failed, or is awaited, and shows the screen on it.
  @inline(never)
  private mutating func reopen(
    _ screen: borrowing Screen, _ loss: DisplayError?, _ index: Int, _ opener: inout Opener,
    _ reports: inout DisplayReports, _ attending: Attending
  ) {
    let before = policy.awaited
    let name = name
    do {
      try open(index, &opener)
      _ = try driver?.show(screen, attending: attending)
      reports.add(.came(name: self.name))
    } catch {
      close()
      switch policy.failed(error, loss: loss, awaitedBefore: before) {
      case .nothing: break
      case .loss: reports.giveUp(name, loss ?? error)
      case .refusal: reports.giveUp(self.name, error)
      }
    }
  }

  /// Closes a display that goes dark when the program ends; it is awaited then.
  ///
  /// - Returns: whether there was one.
  mutating func letGo() -> Bool {
    guard let driver, !driver.staysWithoutProgram else { return false }
    close()
    policy.letGo()
    return true
  }

  private mutating func close() {
    driver?.close()
    driver = nil
  }

  @inline(never)
  private mutating func open(_ index: Int, _ opener: inout Opener) throws(DisplayError) {
    guard let kind else { return }
    let driver = try opener.open(kind, path, slot: index, name: &name)
    self.driver = driver
    policy.opened()
    isNewPanel = policy.comesAndGoes
    if driver.showsTime { showsTime = true }
    if !driver.staysWithoutProgram { endsWithProgram = true }
  }
}
