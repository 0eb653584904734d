import Testing

// The real binaries, as a person types them. Two at a time and no more, however many cores there are: they measure
// time, and most of them wait for most of it. Each has a host lock, a state directory and ports of its own.

/// Drills that run to their verdict.
@Suite(.serialized) enum EndToEndDrills {}

/// Drills that are refused, disturbed, aborted, killed.
@Suite(.serialized) enum EndToEndTroubles {}
