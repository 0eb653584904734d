/// Random numbers that can be had again: SplitMix64 (Steele, Lea and Flood 2014).
///
/// What a seed makes reproducible: the generator of a stage is made of the engine's seed, the proxy's name, the
/// number of the connection (counted from 1 in the order of accepting), the direction, the toxic's name and how
/// often the toxic was changed. So with the same seed the third connection of a proxy draws the same
/// toxicity, jitter, slice sizes and bit positions, whatever other connections and toxics do meanwhile. What is not
/// reproducible is how the kernel cuts a stream into chunks: draws that are made for each chunk (jitter, slices) fall
/// on the same bytes only where the chunks are the same; draws for each byte or message (corrupt, drop, duplicate) do
/// always.
public struct LinkRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// At least 0, less than 1.
    public mutating func share() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A generator for a part of what this one is for; draws nothing from this one.
    public func derived(_ part: UInt64) -> LinkRandom {
        var mixer = LinkRandom(seed: state ^ (part &* 0xD6E8_FEB8_6659_FD93))
        return LinkRandom(seed: mixer.next())
    }

    /// A generator for a part that has a name (FNV-1a over its bytes).
    public func derived(_ part: String) -> LinkRandom {
        derived(part.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }
}
