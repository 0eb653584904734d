import Testing

/// The real binaries, as a person types them. One after the other: they measure time on the same two cores.
@Suite(.serialized) enum EndToEnd {}
