internal import Board
internal import Bytes
internal import Linux

/// `devicegrant sign-out`: revokes the grant where the server lets one (RFC 7009), and erases it
/// here whatever the server says.
@inline(never)
func signOut(
  _ source: borrowing ConfigurationSource, _ memory: inout ConfigurationMemory, _ log: KernelLog
) throws(StartError) -> ExitCode {
  let signals = try openSignals()
  let attending = Attending(descriptor: signals.rawValue)
  let place = try source.place()
  do throws(Fault) {
    let keeper = try Keeper(opening: place, Memory.keeper(), log)
    return try signOut(keeper, source, &memory, log, attending: attending)
  } catch {
    if error.kind != .notSignedIn { return report(error, place, log) }
    place.withdraw(log)
    log.info { $0 <- "not signed in: there is no grant in " <- place.tokenFile }
    return .done
  }
}

private func signOut(
  _ keeper: consuming Keeper<KernelWorld>, _ source: borrowing ConfigurationSource,
  _ memory: inout ConfigurationMemory, _ log: KernelLog, attending: Attending
) throws(Fault) -> ExitCode {
  var reason = Phrase()
  guard let plan = makePlan(source, &memory, log, &reason) else {
    var keeper = keeper
    try keeper.eraseAlone(reason, attending: attending)
    return .done
  }
  var account = try Account(plan, Memory.exchange(), keeper, log)
  do {
    try account.signOut(attending: attending)
    return .done
  } catch {
    return report(error, account, log)
  }
}

/// - Returns: nil where the configuration does not say whom to tell; `reason` is why.
private func makePlan(
  _ source: borrowing ConfigurationSource, _ memory: inout ConfigurationMemory, _ log: KernelLog,
  _ reason: inout Phrase
) -> Plan? {
  do {
    return try source.plan(&memory, log)
  } catch {
    reason = Phrase { error.tell(to: $0) }
    return nil
  }
}
