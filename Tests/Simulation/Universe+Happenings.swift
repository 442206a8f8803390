import Board
import Display
import Glibc
import Linux

extension Universe {
  /// Has something happen.
  func take(_ happening: Happening) {
    if isLogged { tell("\(happening)") }
    switch happening {
    case .trouble, .addressChanged, .networkBack, .grantRevoked, .metadataMoved:
      takeOutside(happening)
    case .powerCut, .powerCutInWrite, .restart, .suspension, .clockJump, .clockRight, .disk,
      .diskRight, .diskStepFails, .signal, .displayGone, .displayBack:
      takeBoard(happening)
    case .directoryRemoved(let length): removeDirectory(length)
    case .directoryBack: putDirectoryBack()
    case .strangersNote: putStrangersNote()
    case .pressed: press()
    case .hammered: hammer()
    case .personActs(let code, let denies, let isLate):
      person.act(code, denies: denies, isLate: isLate, self)
    case .command(let command): begin(command)
    case .commandWakes(let session): resumeCommand(session)
    case .recordNoticed: main?.post(.recordChanged)
    case .visitor(let manner): visit(manner)
    case .clientSpeaks(let client): speak(client)
    case .programEnds(let process): endProgram(process)
    }
  }

  private func takeOutside(_ happening: Happening) {
    switch happening {
    case .trouble(let trouble, let length):
      counts[length > 86_400_000 ? .longOutage : .outage] += 1
      network.trouble(trouble, until: now + length)
      watch.trouble(until: now + length)
      if trouble == .hung || trouble == .nameUnknown {
        schedule(.networkBack(nameServers: trouble == .nameUnknown), in: length)
      }
    case .networkBack(let nameServers): networkIsBack(nameServers)
    case .addressChanged:
      counts[.addressChanged] += 1
      network.changeAddress()
      watch.trouble(until: now)
    case .grantRevoked: server.revokeNewest()
    case .metadataMoved: server.moveEndpoints()
    default: break
    }
  }

  private func networkIsBack(_ nameServers: Bool) {
    counts[.networkBack] += 1
    if nameServers {
      network.changeNameServers()
    } else {
      main?.post(.networkChanged)
    }
    watch.networkIsBack(self)
  }

  private func takeBoard(_ happening: Happening) {
    switch happening {
    case .powerCut(let off):
      if main == nil { return }
      counts[.powerCut] += 1
      cutPower(off: off)
    case .powerCutInWrite(let steps, let off):
      disk.cut = disk.steps + steps
      plannedOff = off
    case .restart:
      counts[.restart] += 1
      main?.post(.signal(Signal.terminate))
      watch.told(toEndAt: now)
    case .suspension(let length):
      counts[.suspension] += 1
      now += length
      diskTroubleSince += length
      programs.delay(by: length)
      clients.delay(by: length)
      watch.trouble(until: now)
      watch.paused(length, now)
    case .clockJump(let seconds):
      counts[.clockJump] += 1
      setClock((clockError ?? 0) + seconds)
      schedule(.clockRight, in: random(1000...7_200_000))
    case .clockRight: if clockError != 0 { setClock(0) }
    case .disk(let trouble, let length): begin(trouble, length)
    case .diskRight: if now >= diskTroubleUntil { endDiskTrouble() }
    case .diskStepFails(let steps): disk.failure = (disk.steps + steps, Errno(rawValue: 5))
    case .signal(let signal): send(signal)
    case .displayGone(let length):
      counts[.displayGone] += 1
      displaysGoneUntil = max(displaysGoneUntil, now + length)
      schedule(.displayBack, in: length)
      main?.post(.displayChanged)
    case .displayBack:
      counts[.displayBack] += 1
      main?.post(.displayChanged)
    default: break
    }
  }

  private func setClock(_ error: Int64) {
    counts[.clockSet] += 1
    clockError = error
    disk.unixSeconds = unixSeconds
    watch.trouble(until: now)
    watch.clockSet(self)
    main?.post(.clockSet)
  }

  private func begin(_ trouble: DiskTrouble, _ length: Int64) {
    // On what is not there, nothing can be mounted.
    if trouble == .mounted, disk.withFile("tokens.json", { $0 == nil }) { return }
    let number: Int32?
    switch trouble {
    case .full: (number, counts[.diskFull]) = (28, counts[.diskFull] + 1)
    case .readOnly: (number, counts[.diskReadOnly]) = (30, counts[.diskReadOnly] + 1)
    case .failing: (number, counts[.diskFailing]) = (5, counts[.diskFailing] + 1)
    case .mounted: (number, counts[.recordMounted]) = (nil, counts[.recordMounted] + 1)
    }
    if disk.trouble == nil, !disk.isMounted { diskTroubleSince = now }
    if let number { disk.trouble = Errno(rawValue: number) } else { disk.mounted = "tokens.json" }
    diskTroubleUntil = now + length
    schedule(.diskRight, in: length)
    watch.trouble(until: now + length)
    watch.diskTrouble(until: now + length)
  }

  private func removeDirectory(_ length: Int64?) {
    if disk.isRemoved { return }
    counts[.directoryRemoved] += 1
    disk.remove()
    watch.directoryRemoved(self)
    recordMayHaveChanged()
    if let length { schedule(.directoryBack, in: length) }
  }

  private func putDirectoryBack() {
    if !disk.isRemoved { return }
    counts[.directoryBack] += 1
    disk.putBack()
    watch.directoryRemoved(self)
    recordMayHaveChanged()
  }

  private func putStrangersNote() {
    if disk.isRemoved || disk.trouble != nil { return }
    counts[.strangersNote] += 1
    var note: [UInt8] = []
    note.append(
      """
      {"issuer":"https://as.example","token_endpoint":"https://strangers.example/v0/token",\
      "device_authorization_endpoint":"https://strangers.example/v0/device",\
      "client_auth":"post","fetched_at":
      """)
    note.append(decimal: unixSeconds)
    note.append("}")
    disk.plant("tokens.json.metadata", note, of: 4711)
    schedule(.restart, in: random(0...500))
  }

  private func send(_ signal: Int32) {
    if signal == Signal.user1 {
      counts[.userSignal] += 1
      watch.codeReplaced(self)
    } else {
      counts[.hangUpSignal] += 1
      // What is under way is given up.
      watch.trouble(until: now)
    }
    main?.post(.signal(signal))
  }

  private func hammer() {
    counts[.keysHammered] += 1
    take(.trouble(.unavailable, length: 15_000))
    for press in 0..<199 { schedule(.pressed, in: Int64(press) * 50) }
  }

  func press() {
    counts[.keyPress] += 1
    if !record.isThere, watch.screen?.kind == .invitation { watch.codeReplaced(self) }
    main?.post(.pressed)
  }

  /// Says what happens, where somebody listens.
  func tell(_ words: @autoclosure () -> String) {
    if !isLogged { return }
    print("\(Double(now) / 1000) s  \(words())")
    // The next line may be the last.
    fflush(nil)
  }
}
