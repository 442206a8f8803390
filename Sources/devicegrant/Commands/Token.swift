internal import Board
internal import Bytes
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
    try writeToken(answer.bytes, asHeader: asHeader)
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
  try keeper.withAccessToken { (token) throws(StartError) in
    try writeToken(token, asHeader: asHeader)
  }
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
  let signals = try openSignals()
  let plan = try source.plan(&memory, log)
  var account: Account<KernelWorld>
  do {
    account = try Account(plan, Memory.exchange(), keeper, log)
  } catch {
    return report(error, plan.place, log)
  }
  do {
    try account.provide(minimum, attending: Attending(descriptor: signals.rawValue))
  } catch {
    return report(error, account, log)
  }
  try account.withAccessToken { (token) throws(StartError) in
    try writeToken(token, asHeader: asHeader)
  }
  return .done
}

/// Writes the token and a newline, or a header line for curl's `-H @-`.
private func writeToken(
  _ token: borrowing Span<UInt8>, asHeader: Bool
) throws(StartError) {
  var line = Memory.output()
  if asHeader { line.append("Authorization: Bearer ") }
  line.append(token)
  line.append("\n")
  defer { line.wipe() }
  try write(line.bytes)
}
