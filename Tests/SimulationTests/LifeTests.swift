import Simulation
import Testing

@Suite struct LifeTests {}
