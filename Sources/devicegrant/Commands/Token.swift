internal import Board
internal import Bytes
internal import Invocation
internal import Linux

/// `devicegrant token`: an access token on standard output, from `run`'s socket where there is one,
/// else from the file.
@inline(never)
func token(
  _ source: borrowing ConfigurationSource, _ arguments: borrowing Arguments,
  _ memory: inout ConfigurationMemory, _ log: KernelLog
) throws(StartError) -> ExitCode {
  let minimum = try arguments.minimumSeconds()
  let asHeader = arguments.wantsHeader
  if let answer = try askForToken(source, minimum, log) {
    if let error = writeToken(answer.bytes, asHeader: asHeader) { throw error }
    return .done
  }
  let place = try source.place()
  let keeper: Keeper<KernelWorld>
  do {
    keeper = try openGrant(source, place, &memory, log)
  } catch {
    return report(error, place, log)
  }
  if !keeper.isGood(for: minimum) {
    return try renewToken(
      keeper, source, minimum, asHeader: asHeader, &memory, log)
  }
  let error = keeper.withAccessToken { writeToken($0, asHeader: asHeader) }
  if let error { throw error }
  return .done
}

/// Loads the grant, which is to be this configuration's, as far as that says.
private func openGrant(
  _ source: borrowing ConfigurationSource, _ place: GrantPlace,
  _ memory: inout ConfigurationMemory, _ log: KernelLog
) throws(Fault) -> Keeper<KernelWorld> {
  var keeper = try Keeper(opening: place, Memory.keeper(), log)
  if try !keeper.load() { throw .notSignedIn }
  if let client = try? source.client(&memory, nil), !keeper.checkOwner(client) {
    throw .notSignedIn
  }
  memory.endpoints.removeAll()
  return keeper
}

private func renewToken(
  _ keeper: consuming Keeper<KernelWorld>, _ source: borrowing ConfigurationSource,
  _ minimum: Int64, asHeader: Bool, _ memory: inout ConfigurationMemory, _ log: KernelLog
) throws(StartError) -> ExitCode {
  let plan = try source.plan(&memory, log)
  return try withAccount(keeper, plan, log) { (account, attending) throws(Fault) in
    try account.provide(minimum, attending: attending)
    return account.withAccessToken { writeToken($0, asHeader: asHeader) }
  }
}

/// Writes the token and a newline, or a header line for curl's `-H @-`.
///
/// - Returns: why they could not be written.
@inline(never)
private func writeToken(_ token: borrowing Span<UInt8>, asHeader: Bool) -> StartError? {
  var line = Memory.output()
  if asHeader { line.append("Authorization: Bearer ") }
  line.append(token)
  line.append("\n")
  defer { line.wipe() }
  do {
    try write(line.bytes)
    return nil
  } catch {
    return error
  }
}
