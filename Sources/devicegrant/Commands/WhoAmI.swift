internal import Board
internal import Bytes
internal import Linux

/// `devicegrant whoami`: what the userinfo endpoint says of the person, as JSON.
@inline(never)
func whoAmI(
  _ source: borrowing ConfigurationSource, _ memory: inout ConfigurationMemory, _ log: KernelLog
) throws(StartError) -> ExitCode {
  let signals = try openSignals()
  let plan = try source.plan(&memory, log)
  var account: Account<KernelWorld>
  do {
    let keeper = try Keeper(opening: plan.place, Memory.keeper(), log)
    account = try Account(plan, Memory.exchange(), keeper, log)
  } catch {
    return report(error, plan.place, log)
  }
  do {
    try account.fetchProfile(attending: Attending(descriptor: signals.rawValue))
  } catch {
    return report(error, account, log)
  }
  let error = writeProfile(account)
  account.wipe()
  if let error { throw error }
  return .done
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
