import MusterCore

extension UndoPlan {
    /// What an injection takes its identities from.
    /// - Throws: `HostError` when the plan has no such fact. To go on without would be to break nothing and call it an
    ///   injection.
    func first<F: Fact>(_ type: F.Type) throws -> F {
        guard let fact = facts.lazy.compactMap({ $0 as? F }).first else {
            throw HostError(.failed, "inject", "the plan has no fact of the kind '\(F.kind)'")
        }
        return fact
    }
}
