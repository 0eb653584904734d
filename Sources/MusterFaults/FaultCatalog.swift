public import MusterCore

extension FaultCatalog {
    /// What people can inject. Adding a fault is a line here.
    public static let standard = FaultCatalog([
        ProcessKill.self,
        ProcessPause.self,
        CPUBurn.self,
        DiskFill.self,
        FileCorrupt.self,
        NetPartition.self,
        CommandFault.self,
        ProxyLatency.self,
        ProxyBandwidth.self,
        ProxySlowClose.self,
        ProxyTimeout.self,
        ProxyReset.self,
        ProxySlicer.self,
        ProxyLimit.self,
        ProxyDown.self,
        ProxyCorrupt.self,
        ProxyStall.self,
        ProxyConnect.self,
        HTTPFault.self,
        TLSFault.self,
    ])

    /// What drills bring up and run for themselves. A guard decodes these too, but nobody injects them by name.
    public static let internals = FaultCatalog([
        FixtureFault.self,
        ProxyFixture.self,
        Scratch.self,
        RunbookStep.self,
    ])

    /// What a guard must be able to decode.
    public static let complete = FaultCatalog(standard.types + internals.types)
}

extension FactCatalog {
    /// Every kind of fact that this version can mend. Adding one is a line here.
    public static let standard = FactCatalog([
        NoHelper.self,
        SelectorMatches.self,
        NotSuspended.self,
        FileAbsent.self,
        FileAsBefore.self,
        NoNftTable.self,
        CommandSucceeds.self,
        NotMounted.self,
        DirectoryAbsent.self,
        NoToxic.self,
        NoRedirect.self,
        ProxyEnabled.self,
    ])
}
