import MusterCore

/// What `file-corrupt` writes: every byte of its ranges becomes itself XOR a mask that is never zero, drawn
/// from the seed and the byte's position. So the injected state is known from the original alone, and a
/// half-written range is recognised byte by byte.
struct CorruptionPattern: Hashable {
    var ranges: [Range<Int64>]
    var seed: Int

    func mask(at offset: Int64) -> UInt8 {
        let place = UInt64(bitPattern: offset) &+ UInt64(bitPattern: Int64(seed)) &* 0x9E37_79B9
        let hash = SplitMix64.mix(place)
        return max(1, UInt8(truncatingIfNeeded: hash))
    }

    func corrupted(_ bytes: [UInt8], from offset: Int64) -> [UInt8] {
        bytes.enumerated().map { index, byte in byte ^ mask(at: offset + Int64(index)) }
    }

    /// Whether each byte is either as before or as injected.
    func explains(_ found: [UInt8], before: [UInt8], from offset: Int64) -> Bool {
        guard found.count == before.count else { return false }
        return zip(found, before).enumerated().allSatisfy { index, pair in
            pair.0 == pair.1 || pair.0 == pair.1 ^ mask(at: offset + Int64(index))
        }
    }

    /// Draws `count` bytes in `pieces` ranges that do not overlap, sorted.
    static func draw(count: Int64, pieces: Int, size: Int64, seed: Int) -> [Range<Int64>] {
        let count = min(count, size)
        let pieces = max(1, min(Int64(pieces), count))
        var draw = SplitMix64(seed: UInt64(bitPattern: Int64(seed)))
        // The file is cut into as many cells as there are pieces; each piece lies within its own cell.
        return (0..<pieces).map { piece in
            let cell = (size * piece / pieces)..<(size * (piece + 1) / pieces)
            let length = min(
                count / pieces + (piece < count % pieces ? 1 : 0), cell.upperBound - cell.lowerBound)
            let start =
                cell.lowerBound
                + Int64.random(in: 0...(cell.upperBound - cell.lowerBound - length), using: &draw)
            return start..<(start + length)
        }.filter { !$0.isEmpty }
    }
}
