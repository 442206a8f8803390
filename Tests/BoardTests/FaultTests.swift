import Bytes
import Configuration
import DeviceGrant
import Display
import Foundation
import HTTP
import JSON
import Linux
import OAuth
import TLS
import TestSupport
import Testing
import TokenStore

@testable import Board

private let kinds = (1...UInt8.max).compactMap { Fault.Kind(rawValue: $0) }
private let parties = (0...UInt8.max).compactMap { Party(rawValue: $0) }

private func words(_ write: (inout Text<256>) -> Void) -> String {
  var text = Text<256>()
  write(&text)
  return string(text)
}

@Suite struct FaultTests {
  // MARK: One integer

  @Test func everyKindAndPartyAndFigureComesBack() {
    #expect(kinds.count == Int(kinds.last?.rawValue ?? 0))
    #expect(MemoryLayout<Fault>.size == 4)
    let figures: [Int32] = [0, 1, -1, 404, -0x7780, 0x1_FFFF, 524_287, -524_288]
    var seen: Set<UInt32> = []
    for kind in kinds {
      for party in parties {
        for figure in figures {
          let fault = Fault(kind, party, figure)
          #expect((fault.kind, fault.party, fault.detail) == (kind, party, figure))
          #expect(seen.insert(fault.rawValue).inserted)
        }
      }
    }
  }

  @Test func aFigureThatDoesNotFitSpoilsNothingElse() {
    let fault = Fault(.foreignOwner, .nobody, 0x7654_3210)
    #expect(fault.kind == .foreignOwner && fault.party == .nobody && fault.detail == 0x4_3210)
  }

  // MARK: Exit codes and words for programs

  private static let exitCodes: [(ExitCode, [Fault.Kind])] = [
    (
      .unavailable,
      [
        .connection, .name, .connectionTimeout, .certificate, .clock, .protocolVersion, .handshake,
        .trustAnchors, .transfer, .closed, .handshakeTimeout, .answerTimeout, .interrupted,
        .incompleteAnswer, .unavailable, .silence, .unanswered, .unrevoked,
      ]
    ),
    (
      .unusableAnswer,
      [
        .http, .webPage, .noReason, .status, .notJSON, .missingMember, .longMember, .longToken,
        .malformedToken, .tokenType, .metadata, .noMetadata, .codeRefused, .pollRefused,
        .refreshRefused,
      ]
    ),
    (
      .tokenFile,
      [
        .nameTooLong, .openDirectory, .read, .write, .replace, .remove, .foreignOwner,
        .foreignMode, .lockTimeout, .lock,
      ]
    ),
    (.cannotCreate, [.publication, .display, .socket]),
    (.defect, [.tlsSetUp, .defect]),
    (.expired, [.expired]),
    (
      .denied,
      [
        .grantEnded, .accessRefused, .scopeMissing, .denied, .notSignedIn, .noRefreshToken,
        .accessEnded, .otherClient, .signedOut,
      ]
    ),
    (.configuration, [.noUserinfo]),
  ]

  @Test func everyKindHasItsExitCode() {
    for (code, kinds) in Self.exitCodes {
      for kind in kinds { #expect(Fault(kind).exitCode == code, "\(kind)") }
    }
    let told = Self.exitCodes.flatMap(\.1).map(\.rawValue)
    #expect(told.sorted() == kinds.map(\.rawValue))
  }

  @Test func everyKindHasAWordForPrograms() {
    for kind in kinds {
      #expect(string(Fault(kind).code.bytes).wholeMatch(of: /[a-z]+(_[a-z]+)*/) != nil)
    }
  }

  @Test func whatMayPassIsWhatIsNotToBeHad() {
    let passing = kinds.filter { Fault($0).isTransient }
    #expect(passing.map(\.rawValue) == Self.exitCodes[0].1.map(\.rawValue).sorted())
    let outside = kinds.filter { Fault($0).missing != nil }
    #expect(outside == [.connection, .name, .connectionTimeout, .clock])
  }

  // MARK: The errors of the layers

  private static let errors: [TLSError] = [
    .connect(.name(-2)), .connect(.connection(Errno(rawValue: 111))), .connect(.timedOut),
    .certificate(CertificateFault(flags: 1)), .certificate(CertificateFault(flags: 0x1_FFFF)),
    .protocolVersion, .handshake(-0x7780), .handshake(-0x1_0000), .trustAnchors(.noSuchFile),
    .transfer(-0x50), .closed, .timedOut(duringHandshake: true), .timedOut(duringHandshake: false),
    .setUp(-0x34), .interrupted,
  ]

  @Test func aTLSErrorComesBack() {
    for error in Self.errors {
      let fault = Fault.exchange(.token, error)
      #expect(fault.party == .token)
      let back = fault.tlsError.map { error in words { $0.append(error) } }
      #expect(back == words { $0.append(error) })
    }
    #expect(Fault.exchange(.token, .connect(.interrupted)).kind == .interrupted)
  }

  @Test func aTokenStoreErrorComesBack() {
    let errors: [TokenStoreError] = [
      .nameTooLong, .openDirectory(.accessDenied), .read(.inputOutput),
      .write(Errno(rawValue: 28)), .replace(Errno(rawValue: 133)), .remove(.notPermitted),
      .exposed(.owner(1000)), .exposed(.mode(0o777)), .lock(.timedOut),
      .lock(.failed(.isDirectory)),
    ]
    for error in errors {
      let back = Fault.tokenFile(error).tokenStoreError.map { error in words { $0.append(error) } }
      #expect(back == words { $0.append(error) })
    }
    #expect(Fault.tokenFile(.lock(.interrupted)).kind == .interrupted)
  }

  @Test func aSocketsErrorComesBack() {
    let errors: [LocalSocketError] = [
      .pathTooLong, .directory(.notDirectory), .inUse, .notSocket, .socket(Errno(rawValue: 133)),
      .group(.notPermitted),
    ]
    for error in errors { #expect(Fault.socket(error).socketError == error) }
  }

  @Test func anotherKindIsNoErrorOfALayer() {
    for kind in kinds {
      let fault = Fault(kind)
      if fault.tlsError != nil { #expect(fault.tokenStoreError == nil) }
    }
    #expect(Fault(.denied).tlsError == nil && Fault(.denied).tokenStoreError == nil)
  }

  // MARK: Words for people

  @Test func everyKindHasWords() {
    let world = SmallWorld()
    world.failure = (PermanentBytes("fb0"), .system(.open, .noSuchFile))
    let life = Life<SmallWorld>(world)
    var other = Life<SmallWorld>(SmallWorld(), "issuer = https://as.example\nclient_id = board")
    other.account.server.metadataError = .notJSON(.malformed)
    var told: Set<String> = []
    // Only a number that is no kind counts as a defect.
    for kind in kinds where kind != .defect {
      let words =
        switch kind {
        case .accessRefused, .scopeMissing: life.said(Fault(kind, .userinfo, status: 403))
        case .noUserinfo: other.said(Fault(kind, .userinfo))
        case .metadata: other.said(Fault(kind, .authorizationServerMetadata))
        case .noMetadata: other.said(Fault(kind, .openIDProviderMetadata, status: 404))
        case _ where kind.rawValue < Fault.Kind.nameTooLong.rawValue: life.said(Fault(kind, .token))
        default: life.said(Fault(kind))
        }
      #expect(words.count > 9 && !words.hasSuffix(" "), "\(kind): \(words)")
      #expect(told.insert(words).inserted, "\(kind): \(words)")
    }
  }

  /// What can't be set up is told where there is no life yet.
  @Test func thePlanTellsWhatALifeCannotBeginWith() {
    let plan = Plan(SmallWorld())
    for error in [TLSError.trustAnchors(.noSuchFile), .setUp(-0x34)] {
      let phrase = Phrase { plan.tell(.exchange(.nobody, error), to: $0) }
      #expect(string(phrase.bytes) == words { $0.append(error) })
    }
    let phrase = Phrase { plan.tell(Fault(.write, .nobody, 28), to: $0) }
    #expect(string(phrase.bytes).contains("No space left on device"))
  }

  @Test(.enabled(if: geteuid() == 0, "takes root")) func aUsersNumberIsToldWhole() throws {
    let world = SmallWorld()
    var life = Life<SmallWorld>(world)
    world.write("tokens.json", #"{"access_token":"at"}"#)
    #expect(chown("\(world.directory)/tokens.json", 4_000_000_000, 0) == 0)
    var said = ""
    do {
      _ = try life.account.keeper.load()
    } catch {
      said = life.said(error)
    }
    #expect(said.contains("it belongs to user 4000000000: "))
  }

  @Test func whatAnAnswerLacksIsNamed() {
    let life = Life<SmallWorld>(SmallWorld())
    for member in (0...UInt8.max).compactMap({ Member(rawValue: $0) }) {
      let name = string(member.name.bytes)
      let missing = life.account.server.fault(.missing(member))
      let long = life.account.server.fault(.tooLong(member))
      #expect(life.said(missing).hasSuffix("the answer has no usable \(name)"))
      #expect(life.said(long).hasSuffix("the answer's \(name) is too long"))
      #expect(life.said(.tokens(.token, .malformed(member))).contains("the \(name) holds"))
    }
    for error in (0...UInt8.max).compactMap({ JSONError(rawValue: $0) }) {
      let said = life.said(life.account.server.fault(.notJSON(error)))
      #expect(said.contains(string(error.description.bytes)))
    }
    for error in (0...UInt8.max).compactMap({ HTTPError(rawValue: $0) }) {
      #expect(life.said(.exchange(.token, error)).contains(string(error.description.bytes)))
    }
  }
}
