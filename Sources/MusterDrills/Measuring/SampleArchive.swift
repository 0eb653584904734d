import MusterCore

/// Where the older samples of a run lie while it goes on, so that its memory does not grow with it. What was
/// taken is never changed, so that copies of a series can share it. Any thread may call.
public protocol SampleArchive: AnyObject, Sendable {
    /// Waits for no disk.
    func keep(_ bytes: [UInt8]) -> ArchiveAnswer

    /// May wait for a disk, for as long as that takes.
    /// - Parameters:
    ///   - place: as `keep` returned it.
    ///   - bytes: filled whole.
    /// - Returns: false when they cannot be read any more.
    func read(at place: Int, into bytes: UnsafeMutableRawBufferPointer) -> Bool
}

/// What an archive does with bytes that it is offered.
public enum ArchiveAnswer: Hashable, Sendable {
    case kept(at: Int)
    /// There is memory to spare: they stay there for good.
    case unneeded
    /// It has no room at present: they stay in memory until it takes them another time.
    case full
}
