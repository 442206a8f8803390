import Glibc

/// A function that runs in turns with its caller: never both at once. It has a thread of its own
/// for its stack alone, so what it does is as deterministic as a call.
final class Coroutine {
  private let toBody = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  private let toCaller = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  private let body: (Coroutine) -> Void
  private var thread = pthread_t()
  private(set) var isFinished = false

  init(_ body: @escaping (Coroutine) -> Void) {
    self.body = body
    sem_init(toBody, 0, 0)
    sem_init(toCaller, 0, 0)
    let context = Unmanaged.passUnretained(self).toOpaque()
    let outcome = pthread_create(
      &thread, nil,
      { context in
        let coroutine = Unmanaged<Coroutine>.fromOpaque(context!).takeUnretainedValue()
        coroutine.run()
        return nil
      }, context)
    precondition(outcome == 0)
  }

  deinit {
    precondition(isFinished, "whoever makes it sees it through")
    sem_destroy(toBody)
    sem_destroy(toCaller)
    toBody.deallocate()
    toCaller.deallocate()
  }

  private func run() {
    wait(toBody)
    body(self)
    isFinished = true
    sem_post(toCaller)
  }

  private func wait(_ semaphore: UnsafeMutablePointer<sem_t>) {
    while sem_wait(semaphore) != 0 {}
  }

  /// Lets the body go on until it yields or ends.
  func resume() {
    sem_post(toBody)
    wait(toCaller)
    if isFinished { pthread_join(thread, nil) }
  }

  /// Lets the caller go on until it resumes the body.
  func yield() {
    sem_post(toCaller)
    wait(toBody)
  }
}
