import Linux
import Testing

/// Which of a card's connectors, modes and controllers is taken.
@Suite struct DRMTests {
  private func connector(
    _ connection: DRMConnector.Connection, modes: UInt32 = 3, controller: UInt32 = 0
  ) -> DRMConnector {
    DRMConnector(id: 7, connection: connection, modeCount: modes, controller: controller)
  }

  private func choice(_ connectors: [DRMConnector]) -> Int? {
    DRMConnector.choice(among: connectors.span)
  }

  @Test func theFirstConnectedConnectorIsTaken() {
    let (yes, no) = (connector(.connected), connector(.disconnected))
    #expect(choice([no, yes, yes]) == 1)
    #expect(choice([yes]) == 0)
    #expect(choice([no, no]) == nil)
    #expect(choice([]) == nil)
  }

  @Test func aConnectorThatDoesNotKnowIsTakenWhereNoOtherIsConnected() {
    let (yes, maybe) = (connector(.connected), connector(.unknown))
    #expect(choice([maybe, yes]) == 1)
    #expect(choice([connector(.disconnected), maybe, maybe]) == 1)
  }

  @Test func aConnectorWithoutModesIsNotTaken() {
    #expect(choice([connector(.connected, modes: 0), connector(.unknown)]) == 1)
    #expect(choice([connector(.connected, modes: 0)]) == nil)
  }

  @Test(arguments: [
    ([false, false, true, true], 2), ([true], 0), ([false, false], 0), ([], nil as Int?),
  ]) func thePreferredModeIsTakenElseTheFirst(_ preferred: [Bool], _ expected: Int?) {
    #expect(
      DRMConnector.mode(count: preferred.count, isPreferred: { preferred[$0] }) == expected)
  }

  private func controller(
    _ chosen: Int, _ connectors: [DRMConnector], _ controllers: [UInt32], possible: UInt32
  ) -> UInt32? {
    DRMConnector.controller(
      for: chosen, among: connectors.span, controllers: controllers.span, possible: possible)
  }

  @Test func theControllerThatDrivesTheConnectorStays() {
    let own = connector(.connected, controller: 42)
    #expect(controller(0, [own], [41, 42], possible: 0b01) == 42)
  }

  @Test func elseTheFirstPossibleOneThatIsFree() {
    let own = connector(.connected)
    #expect(controller(0, [own], [41, 42, 43], possible: 0b110) == 42)
    let other = connector(.connected, controller: 42)
    #expect(controller(0, [own, other], [41, 42, 43], possible: 0b110) == 43)
    #expect(controller(1, [other, own], [41, 42, 43], possible: 0b010) == nil)
    #expect(controller(0, [own], [41], possible: 0) == nil)
    // A bit beyond the controllers there are.
    #expect(controller(0, [own], [41], possible: 0b10) == nil)
  }

  @Test func aConnectorWithNothingBehindItGivesItsControllerUp() {
    let own = connector(.connected)
    let unplugged = connector(.disconnected, controller: 41)
    #expect(controller(0, [own, unplugged], [41], possible: 1) == 41)
  }
}
