import Glibc
import MusterCore

/// The bell curve.
enum NormalDistribution {
    /// P(|Z| ≥ |`deviations`|).
    static func twoSided(_ deviations: Double) -> Double {
        // The C library's function of mathematics: it depends on nothing but its argument.
        erfc(abs(deviations) / 2.0.squareRoot())
    }
}
