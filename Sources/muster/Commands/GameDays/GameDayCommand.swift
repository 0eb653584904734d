import ArgumentParser

/// `muster gameday …`: a day on which people hold several drills together.
struct GameDayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gameday",
        abstract: "Days on which people hold several drills together (drills/gamedays/).",
        discussion: """
            Example: muster gameday new drills/gamedays/failover.yaml
                     muster gameday check failover; muster gameday approve failover --as grace
                     muster gameday preflight failover; muster gameday run failover
                     muster note "the page came after 40 s"; muster gameday hotwash failover

            Everything is kept in one timeline: who said and did what, and when. docs/GAMEDAYS.md goes through a day.
            """,
        subcommands: [
            GameDayNewCommand.self, GameDayCheckCommand.self, GameDayApproveCommand.self,
            GameDayPreflightCommand.self, GameDayRunCommand.self, GameDayBeatCommand.self,
            GameDayAbortCommand.self,
            GameDayConvertCommand.self, GameDayJoinCommand.self, GameDayLeaveCommand.self,
            GameDayHotwashCommand.self, GameDayShowCommand.self, GameDayListCommand.self,
            GameDayReportCommand.self, GameDayCloseCommand.self,
        ])
}
