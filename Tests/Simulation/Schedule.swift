/// What is to come, in the order of time; of what comes at the same time, what was planned first.
struct Schedule {
  private struct Entry {
    var at: Int64
    var order: Int
    var happening: Happening

    func comesBefore(_ other: Entry) -> Bool {
      at < other.at || at == other.at && order < other.order
    }
  }

  /// A binary heap.
  private var entries: [Entry] = []
  private var order = 0

  var count: Int { entries.count }

  /// When the next thing happens; `Int64.max` where nothing does.
  var next: Int64 { entries.first?.at ?? Int64.max }

  mutating func add(_ happening: Happening, at time: Int64) {
    order += 1
    entries.append(Entry(at: time, order: order, happening: happening))
    var child = entries.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      if !entries[child].comesBefore(entries[parent]) { return }
      entries.swapAt(child, parent)
      child = parent
    }
  }

  /// Takes the next thing out; there must be one.
  mutating func removeFirst() -> Happening {
    let first = entries[0].happening
    let last = entries.removeLast()
    if entries.isEmpty { return first }
    entries[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
        if entries[child].comesBefore(entries[least]) { least = child }
      }
      if least == parent { return first }
      entries.swapAt(parent, least)
      parent = least
    }
  }
}
