public import Bytes
public import Configuration
public import Display
public import Linux
public import TLS
public import TokenStore

// Theory of operation.
//
// A life is a function of a *world*: what the clocks say, what comes over the network, what the
// disk does, who wants something. The kernel's world is in the executable; the simulated one, in
// Tests/Simulation, lets years pass in milliseconds. HTTP, JSON, OAuth, the store, the policy, the
// hand-out and the views are the real ones in both: the seam is bytes above TLS, operations on one
// directory, screens, and events.
//
// A world is a copyable handle, so whoever needs a clock holds one. What there is one of (a
// connection, a directory, the sources of events) is made by it, not copyable, and owned by one.

/// Everything that a life touches beside itself.
public protocol World {
  /// A connection to a server, above TLS.
  associatedtype Connection: Transport & ~Copyable
  /// An open directory.
  associatedtype Storage: TokenDirectory & ~Copyable
  /// What shows screens.
  associatedtype Screens: Panels & ~Copyable
  /// Where events come from.
  associatedtype Sources: EventSources & ~Copyable

  /// Milliseconds since boot, suspend included, never set back.
  var milliseconds: Int64 { get }
  /// Seconds since 1970 by a clock that may be wrong.
  var unixSeconds: Int64 { get }
  /// A number of no secret that differs from board to board and from start to start.
  var seed: UInt32 { get }

  /// A connection that is closed.
  ///
  /// - Parameter anchors: a PEM file with the certificates that may vouch for a server.
  func makeConnection(trusting anchors: Path) throws(TLSError) -> Connection

  /// Opens a directory; where it is to be made, it is when it is missing.
  func openDirectory(_ path: Path, making isMade: Bool) throws(Errno) -> Storage

  /// Waits until the deadline, in milliseconds since boot, or until who is attended to ends it.
  func rest(until deadline: Int64, attending: Attending) -> Wakeup

  /// Runs a program beside this one; see `ChildProcess.spawn`.
  func spawn(_ program: Path, environment: borrowing Span<UInt8>) throws(Errno) -> Int32
  /// How a program has ended, if it has.
  func reap(_ process: Int32) -> ExitStatus?
  /// Ends a program and all that it has started; it is to be reaped still.
  func kill(_ process: Int32)
  /// Ends a program and waits for its end, which is soon.
  func end(_ process: Int32)

  /// Whether the configuration has been read anew and found good; where not, the world says why.
  func acceptsConfiguration() -> Bool

  /// Writes one line of the log, without its end. Never a secret.
  func write(_ level: LogLevel, _ line: borrowing Span<UInt8>, isTruncated: Bool)

  /// Lends the attendant to a wait. In each world the same three lines, since a C function can't be
  /// made in generic code.
  @_lifetime(&attendant)
  func lend(_ attendant: inout Attendant<Self>) -> Attending
}

/// Bytes to and from a server whose identity is verified. Deadlines are in milliseconds since boot.
public protocol Transport: ~Copyable {
  var isConnected: Bool { get }
  /// Whether the server has ended the connection, or said something unasked.
  var isStale: Bool { get }
  /// Connections so far that took up an earlier session.
  var resumptions: Int64 { get }

  /// Connects. Where this returns, the server's chain and name are verified.
  mutating func connect(
    to host: borrowing Span<UInt8>, port: Int, until deadline: Int64, attending: Attending
  ) throws(TLSError)
  /// Sends all of `bytes`.
  mutating func send(
    _ bytes: borrowing Span<UInt8>, until deadline: Int64, attending: Attending
  ) throws(TLSError)
  /// Receives what comes next; zero bytes are the end.
  mutating func receive(
    into buffer: inout Buffer, until deadline: Int64, attending: Attending
  ) throws(TLSError) -> Int
  /// Ends the connection.
  mutating func close()
}

extension TLSSession: Transport {}

/// The displays, which show one screen. They report what becomes of them; see `Displays`.
public protocol Panels: ~Copyable {
  /// Whether there is nothing to show anything on.
  var isEmpty: Bool { get }
  /// Whether one of them shows the time left, and so is to be painted every second.
  var showsTime: Bool { get }
  /// Whether one of them is, or may be, a device that comes and goes.
  var mayChange: Bool { get }
  /// When a device event is followed up, in milliseconds since boot.
  var followsUpAt: Int64? { get }
  /// The display that was given up last, and why.
  var failure: (name: PermanentBytes, error: DisplayError)? { get }
  /// The same, which is then no report any more.
  mutating func takeFailure() -> (name: PermanentBytes, error: DisplayError)?

  /// Shows a screen on every display that works.
  mutating func show(_ screen: borrowing Screen, attending: Attending)
  /// Shows a screen that is to stay when the program ends, and gives the text console back.
  mutating func showLast(_ screen: borrowing Screen, attending: Attending)
  /// Something has happened to a device that may be a display.
  mutating func deviceChanged(now: Int64)
  /// Whether the present screen is to be shown again for what has happened to a device.
  mutating func followsUp(now: Int64) -> Bool
  /// What has become of a display, oldest first; nil where all is told.
  mutating func nextReport() -> DisplayReport?
}

extension Displays: Panels {}

/// Something that has happened.
public enum Event: Sendable, Equatable {
  /// A signal, by its number.
  case signal(Int32)
  /// The alarm that was set, the end of a program, or anything else that wants a look at what is
  /// due.
  case alarm
  /// Somebody has set the wall clock.
  case clockSet
  /// The token file has been replaced or removed, by whomever.
  case recordChanged
  /// A display may have come or gone.
  case displayChanged
  /// The board's addresses or routes have changed.
  case networkChanged
  /// A key, a button or a touch.
  case pressed
  /// Somebody wants to connect to the socket.
  case visitor
  /// A client has sent something, or is gone, by its slot.
  case client(Int)
}

/// Where events come from: signals, timers, files, devices, and the socket with its clients, who
/// are known by their slots. Nothing here waits.
public protocol EventSources: ~Copyable {
  /// The next thing that has happened; nil where there is nothing more at the moment.
  mutating func next() -> Event?
  /// Sets the time of the next alarm, in milliseconds since boot; nil for none.
  mutating func setAlarm(_ deadline: Int64?)
  /// Tells of changes of the token file from now on, whose directory must be there by now.
  mutating func watchRecord()
  /// Tells of displays that come and go from now on.
  mutating func watchDevices()
  /// Tells of changes of the board's addresses and routes from now on.
  mutating func watchNetwork()
  /// Whether other name servers are to be asked than at the last look; at the first, than at the
  /// start.
  mutating func haveNameServersChanged() -> Bool
  /// Looks for keys and touch panels that have been plugged in.
  mutating func findInputs()
  /// Says, once, that the program does what it was started for.
  mutating func ready()
  /// Gives a sign of life where one is due.
  ///
  /// - Returns: when the next one is, in milliseconds since boot; nil where none is wanted.
  mutating func ping(now: Int64) -> Int64?

  /// Listens at a path from now on, with mode 0660.
  mutating func listen(at path: Path, group: UInt32?) throws(LocalSocketError)
  /// Tells of visitors or not.
  mutating func setListening(_ isOn: Bool)
  /// Lets the next visitor in, who gets a slot by `seat`.
  ///
  /// - Returns: nil where nobody waits.
  /// - Throws: where descriptors or memory have run out: somebody still waits then.
  mutating func accept() throws(Errno) -> Visitor?
  /// Gives the visitor that was let in last a slot that is free, and tells of them from now on.
  mutating func seat(at slot: Int)
  /// Receives what a client has sent.
  mutating func receive(from slot: Int, into space: inout InlineArray<64, UInt8>)
    -> FileDescriptor.Transfer
  /// Sends a client what there is room for.
  mutating func send(to slot: Int, _ bytes: borrowing Span<UInt8>)
  /// Tells of a client no more, but keeps it.
  mutating func ignore(_ slot: Int)
  /// Ends a client.
  mutating func close(_ slot: Int)
}

/// Somebody who has connected to the socket.
public struct Visitor: Sendable {
  /// Who it is; nil where that can't be told.
  public let credentials: PeerCredentials?

  public init(credentials: PeerCredentials?) {
    self.credentials = credentials
  }
}
