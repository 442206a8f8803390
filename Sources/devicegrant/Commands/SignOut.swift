internal import Board
internal import Bytes
internal import Invocation
internal import Linux

/// `devicegrant sign-out`: revokes the grant where the server lets one (RFC 7009), and erases it
/// here whatever the server says.
@inline(never)
func signOut(
  _ source: borrowing ConfigurationSource, _ memory: inout ConfigurationMemory, _ log: KernelLog
) throws(StartError) -> ExitCode {
  let place = try source.place()
  let keeper: Keeper<KernelWorld>
  do {
    keeper = try Keeper(opening: place, Memory.keeper(), log)
  } catch {
    if error.kind != .notSignedIn { return report(error, place, log) }
    place.withdraw(log)
    log.info { $0 <- "not signed in: there is no grant in " <- place.tokenFile }
    return .done
  }
  var reason = Phrase()
  guard let plan = makePlan(source, &memory, log, &reason) else {
    return try eraseAlone(keeper, reason, place, log)
  }
  return try withAccount(keeper, plan, log) { (account, attending) throws(Fault) in
    try account.signOut(attending: attending)
    return nil
  }
}

private func eraseAlone(
  _ keeper: consuming Keeper<KernelWorld>, _ reason: Phrase, _ place: GrantPlace,
  _ log: KernelLog
) throws(StartError) -> ExitCode {
  let signals = try openSignals()
  var keeper = keeper
  do {
    try keeper.eraseAlone(reason, attending: Attending(descriptor: signals.rawValue))
    return .done
  } catch {
    return report(error, place, log)
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
