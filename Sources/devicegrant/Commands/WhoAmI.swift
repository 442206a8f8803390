internal import Board
internal import Bytes
internal import Invocation
internal import Linux

/// `devicegrant whoami`: what the userinfo endpoint says of the person, as JSON.
@inline(never)
func whoAmI(
  _ source: borrowing ConfigurationSource, _ memory: inout ConfigurationMemory, _ log: KernelLog
) throws(StartError) -> ExitCode {
  let plan = try source.plan(&memory, log)
  let keeper: Keeper<KernelWorld>
  do {
    keeper = try Keeper(opening: plan.place, Memory.keeper(), log)
  } catch {
    return report(error, plan.place, log)
  }
  return try withAccount(keeper, plan, log) { (account, attending) throws(Fault) in
    try account.fetchProfile(attending: attending)
    defer { account.wipe() }
    return writeProfile(account)
  }
}

/// - Returns: why it could not be written.
private func writeProfile(_ account: borrowing Account<KernelWorld>) -> StartError? {
  var output = Memory.output()
  var draft = Memory.draft()
  let isForPerson = StandardOutput.isTerminal
  let fault = account.withProfile {
    appendProfile($0, isForPerson: isForPerson, draft: &draft, to: &output)
  }
  if let fault { return .profile(account.userinfoEndpoint, fault) }
  do {
    try write(output.bytes)
    return nil
  } catch {
    return error
  }
}
