internal import Board
internal import Bytes
internal import Invocation
internal import Linux

/// `devicegrant sign-out`: erases the grant here, and revokes it where the server lets one (RFC
/// 7009): by `run` where it lives, else by this process.
///
/// - Parameter isLocal: whether the server is not to be asked.
@inline(never)
func signOut(
  _ source: borrowing ConfigurationSource, isLocal: Bool, _ memory: inout ConfigurationMemory,
  _ log: KernelLog
) throws(StartError) -> ExitCode {
  if !isLocal, try askToSignOut(source) {
    log.info { $0 <- "signed out by devicegrant run" }
    return .done
  }
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
  guard !isLocal, let plan = makePlan(source, &memory, log, &reason) else {
    return try signOutAlone(keeper, isLocal: isLocal, reason, place, log)
  }
  return try withAccount(keeper, plan, log) { (account, attending) throws(Fault) in
    try account.signOut(attending: attending)
    return nil
  }
}

private func signOutAlone(
  _ keeper: consuming Keeper<KernelWorld>, isLocal: Bool, _ reason: Phrase, _ place: GrantPlace,
  _ log: KernelLog
) throws(StartError) -> ExitCode {
  let signals = try openSignals()
  var keeper = keeper
  do {
    try keeper.signOut(isLocal: isLocal, attending: Attending(descriptor: signals.rawValue))
  } catch {
    return report(error, place, log)
  }
  if isLocal || !keeper.hasWaiting { return .done }
  log.error {
    $0 <- "the grant is not revoked: " <- reason <- "; "
    keeper.tellOfWaiting(to: $0)
  }
  return .unavailable
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
