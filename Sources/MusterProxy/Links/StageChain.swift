internal import NIOCore

/// The toxics of one direction of one connection at work, one after the other: pure, like its stages.
///
/// Bytes are pulled: who wants to write asks for the next chunk, each stage is fed only while it has room, and what
/// is not taken stays in front, so that the pressure reaches the source. A stage whose toxicity was not drawn stands
/// in its place and is passed by.
struct StageChain {
    private struct Slot {
        var name: String
        var stage: any ToxicStage
        var isActive: Bool
        /// The toxic was removed; its filter may be in the middle of something, and stays until that is over.
        var isLeaving = false
        /// What waits in front of the stage.
        var input = ChunkQueue()
        /// How its input ended; it has been told.
        var ending: StageOutput?
        /// It had something to do.
        var hasActed = false
    }

    private var slots: [Slot] = []
    /// What has passed every stage because the last one was taken away.
    private var output = ChunkQueue()
    /// How the source ended.
    private var sourceEnding: StageOutput?
    /// Slots that leave as soon as they can.
    private var leaving = 0
    /// What toxics did that are no longer there, by name.
    private var past: [String: UInt64] = [:]
    /// Of so many names that is kept: toxics of ever new names may come and go on a connection that stays.
    private static let mostPast = 1024
    /// The slot that was found to have nothing to give while it is asked now, and until when: it is not asked again, or
    /// the time that a long chain takes would grow with the square of its length.
    private var quiet: (index: Int, until: NIODeadline?)?

    init() {}

    /// Nothing waits and no stage is active: the next bytes may pass it by.
    private(set) var isTransparent = true
    /// Names of toxics that acted for the first time since this was last emptied.
    var acted: [String] = []

    /// Bytes in front of the first stage: there is no room for more while there are any.
    var waiting: Int { slots.first?.input.bytes ?? output.bytes }

    /// Bytes that wait or are held anywhere in it.
    var held: Int {
        slots.reduce(output.bytes) { $0 + $1.input.bytes + ($1.isActive ? $1.stage.held : 0) }
    }

    /// Memory that it takes, in bytes: what waits or is held, and what chunks cost besides their bytes.
    var kept: Int {
        slots.reduce(output.cost) { $0 + $1.input.cost + ($1.isActive ? $1.stage.kept : 0) }
    }

    /// The filters in it, which other directions may have fed.
    var filters: [FilterBox] { slots.compactMap { ($0.stage as? FilterPort)?.box } }

    /// The filter of that name.
    func filter(_ name: String) -> FilterBox? {
        slots.lazy.filter { $0.name == name && !$0.isLeaving }.compactMap { ($0.stage as? FilterPort)?.box }
            .first
    }

    /// What filters have to say, with the names of their toxics.
    func takeNotices() -> [(toxic: String, notice: FilterNotice)] {
        var all: [(toxic: String, notice: FilterNotice)] = []
        for slot in slots {
            guard let box = (slot.stage as? FilterPort)?.box else { continue }
            all += box.filter.takeNotices().map { (slot.name, $0) }
        }
        return all
    }

    /// What the toxics that count have done, by name.
    var effects: [String: UInt64] {
        var all = past
        for slot in slots where slot.stage.effects > 0 { all[slot.name, default: 0] += slot.stage.effects }
        return all
    }

    mutating func receive(_ chunk: Chunk) {
        guard chunk.bytes.readableBytes > 0, sourceEnding == nil else { return }
        if slots.isEmpty {
            output.append(chunk)
        } else {
            slots[0].input.append(chunk)
        }
        isTransparent = false
    }

    /// The source will give nothing more.
    /// - Parameter ending: `finished`, or `reset` when it was reset.
    mutating func finish(_ ending: StageOutput) {
        guard sourceEnding == nil else { return }
        sourceEnding = ending
        isTransparent = false
    }

    /// What may leave now. Asked again until it answers `wait` or an end.
    mutating func next(at now: NIODeadline) -> StageOutput {
        dropLeaving()
        if let chunk = output.takeFirst() { return .chunk(chunk) }
        quiet = nil
        let answer = pull(slots.count - 1, at: now)
        if case .wait(nil) = answer { settle() }
        return answer
    }

    mutating func add(_ name: String, _ stage: any ToxicStage, isActive: Bool) {
        slots.append(Slot(name: name, stage: stage, isActive: isActive))
        settle()
    }

    func contains(_ name: String) -> Bool { position(of: name) != nil }

    private func position(of name: String) -> Int? { slots.firstIndex { $0.name == name && !$0.isLeaving } }

    /// Puts another stage in a toxic's place, which takes over what the old one held.
    mutating func replace(_ name: String, _ stage: any ToxicStage, isActive: Bool) {
        guard let index = position(of: name) else { return }
        var slot = Slot(name: name, stage: stage, isActive: isActive)
        slot.stage.inherit(from: slots[index].stage)
        let held = slots[index].isActive ? slots[index].stage.release() : []
        slot.input.append(held)
        slot.input.append(slots[index].input.takeAll())
        slots[index] = slot
        settle()
    }

    /// Takes a toxic away; what it held goes on.
    mutating func remove(_ name: String) {
        guard let index = position(of: name) else { return }
        if slots[index].stage is FilterPort {
            // It has been told, and lets pass what is not part of what it is in the middle of.
            slots[index].isLeaving = true
            leaving += 1
            dropLeaving()
            return
        }
        keepEffects(of: slots[index])
        if slots[index].isActive, slots[index].stage.endsLinkWhenRemoved {
            slots[index] = Slot(name: "", stage: EndedStage(), isActive: true)
            isTransparent = false
            return
        }
        takeOut(index)
        settle()
    }

    /// Takes out the slots of filters that have come to rest. Done before a chain with any is asked or fed: both
    /// directions find the filter at rest, then, as neither has fed it since.
    private mutating func dropLeaving() {
        guard leaving > 0 else { return }
        for index in slots.indices.reversed() where slots[index].isLeaving {
            guard let box = (slots[index].stage as? FilterPort)?.box, box.filter.isAtRest else { continue }
            keepEffects(of: slots[index])
            takeOut(index)
            leaving -= 1
        }
        settle()
    }

    private mutating func keepEffects(of slot: Slot) {
        guard slot.stage.effects > 0, past[slot.name] != nil || past.count < Self.mostPast else { return }
        past[slot.name, default: 0] += slot.stage.effects
    }

    /// What the slot of that index held goes on.
    private mutating func takeOut(_ index: Int) {
        var slot = slots.remove(at: index)
        let held = (slot.isActive ? slot.stage.release() : []) + slot.input.takeAll()
        if index < slots.count {
            slots[index].input.append(held)
        } else {
            output.append(held)
        }
    }

    /// Lets the stages take what they have room for, while nothing can leave: a latency must run also for bytes that
    /// wait behind a sink that is slow, or the delay would eat up the throughput.
    mutating func feed(at now: NIODeadline) {
        dropLeaving()
        quiet = nil
        _ = feed(slots.count - 1, at: now)
    }

    /// What leaves the slot of that index; below the first one is the source.
    private mutating func pull(_ index: Int, at now: NIODeadline) -> StageOutput {
        guard index >= 0 else { return sourceEnding ?? .wait(until: nil) }
        if let quiet, quiet.index == index { return .wait(until: quiet.until) }
        let answer = ask(index, at: now)
        if case .wait(let until) = answer { quiet = (index, until) }
        return answer
    }

    private mutating func ask(_ index: Int, at now: NIODeadline) -> StageOutput {
        guard slots[index].isActive else { return take(index, at: now) }
        let earliest = feed(index, at: now)
        let answer = slots[index].stage.next(at: now)
        if slots[index].stage is FilterPort { noteActing(index) }
        switch answer {
        case .wait(let until):
            guard let until else { return .wait(until: earliest) }
            return .wait(until: earliest.map { min($0, until) } ?? until)
        case .finished: return slots[index].ending ?? .finished
        case .close, .reset:
            noteActing(index)
            return answer
        case .chunk: return answer
        }
    }

    /// Gives the slot of that index what it has room for.
    /// - Returns: when there may be more for it; nil when that is not a question of time.
    private mutating func feed(_ index: Int, at now: NIODeadline) -> NIODeadline? {
        guard index >= 0 else { return nil }
        guard slots[index].isActive else { return feed(index - 1, at: now) }
        while slots[index].ending == nil {
            guard slots[index].stage.hasRoom else {
                _ = feed(index - 1, at: now)
                return nil
            }
            switch take(index, at: now) {
            case .chunk(let chunk):
                noteActing(index)
                slots[index].stage.receive(chunk)
            case .wait(let until): return until
            case let end:
                slots[index].ending = end
                slots[index].stage.finish()
            }
        }
        return nil
    }

    /// What the slot of that index is given next.
    private mutating func take(_ index: Int, at now: NIODeadline) -> StageOutput {
        if let chunk = slots[index].input.takeFirst() { return .chunk(chunk) }
        return pull(index - 1, at: now)
    }

    private mutating func noteActing(_ index: Int) {
        // A filter lets most pass: it has acted when it counts an effect.
        if slots[index].stage is FilterPort, slots[index].stage.effects == 0 { return }
        guard !slots[index].hasActed else { return }
        slots[index].hasActed = true
        acted.append(slots[index].name)
    }

    private mutating func settle() {
        isTransparent =
            sourceEnding == nil && output.isEmpty && slots.allSatisfy { !$0.isActive && $0.input.isEmpty }
    }
}

/// Stands where a toxic was that ends the link when it is removed.
private struct EndedStage: ToxicStage {
    var held: Int { 0 }
    mutating func receive(_ chunk: Chunk) {}
    mutating func finish() {}
    mutating func next(at now: NIODeadline) -> StageOutput { .close }
    mutating func release() -> [Chunk] { [] }
}
