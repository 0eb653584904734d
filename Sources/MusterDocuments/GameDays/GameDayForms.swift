import MusterCore
import MusterDrills

/// A file in `drills/gamedays/` as a whole.
struct GameDayForm: Formed {
    var format = 1
    var gameday = ""
    var title = ""
    var purpose = ""
    var services: [String] = []
    var environment = Environment.lab
    var tier = 3
    var author: String?
    var when = WhenForm()
    var roles = RolesForm()
    var absent: [String] = []
    var blind = false
    var checklist = Named<QuestionForm>()
    var preflight = PreflightForm()
    var drills = Named<CardForm>()
    var onFail = GameDay.OnFail.stop
    var settle = SettleForm()
    var abort = AbortForm()
    var comms = CommsForm()

    static let form = Form(
        "game day", "A day on which people hold several drills together.", blank: GameDayForm(),
        fields: head + body)

    private static let head: [Field<GameDayForm>] = [
        Field(required: "format", \.format, "The version of this format.", in: { $0 == 1 ? nil : "1" }),
        Field(required: "gameday", \.gameday, "Its name, under which commands know it."),
        Field(required: "title", \.title, "One line for everybody.", in: { $0.isEmpty ? "some words" : nil }),
        Field(
            required: "purpose", \.purpose,
            "Why it is held, so that people who are no engineers understand it.",
            in: { $0.isEmpty ? "some words" : nil }),
        Field(required: "services", \.services, "The services that it is about."),
        Field(required: "environment", \.environment, "Where it is held; its drills must be for the same."),
        Field(
            "tier", \.tier, default: 3,
            "How critical the services are, from 1 on. On tier 1 nobody approves what they drew up.",
            in: { (1...4).contains($0) ? nil : "from 1 to 4" }),
        Field("author", \.author, "Who drew it up; the owner where nobody is named."),
        Field(required: "when", \.when, "When it is held."),
        Field(required: "roles", \.roles, "Who does what; one person may hold several roles."),
        Field(
            "absent", \.absent, default: [],
            "Who takes no part, on purpose; nothing that they approve or confirm counts."),
        Field("blind", \.blind, default: false, "Responders are not told which drills there are."),
    ]

    private static let body: [Field<GameDayForm>] = [
        Field(
            "checklist", \.checklist, default: Named(),
            "What people must say yes to before it begins: { customers-told: … }."),
        Field("preflight", \.preflight, default: PreflightForm(), "What machines are held against before."),
        Field(required: "drills", \.drills, "The drills, one after the other, and what is expected of each."),
        Field("onFail", \.onFail, default: .stop, "stop or continue: when a drill does not pass."),
        Field("settle", \.settle, default: SettleForm(), "What must hold before the next drill."),
        Field(
            "abort", \.abort, default: AbortForm(), "What ends the day early. Somebody's word always does."),
        Field(
            "comms", \.comms, default: CommsForm(),
            "Messages; each is sent with DRILL in front, or REAL INCIDENT."),
    ]
}

/// `when: { starts: 2027-03-18T10:00, ends: 2027-03-18T12:00, timezone: Europe/Berlin }`.
struct WhenForm: Formed {
    var starts = LocalTime(seconds: 0)
    var ends = LocalTime(seconds: 0)
    var timezone = ""

    static let form = Form(
        "when", "The window of a game day.", blank: WhenForm(),
        fields: [
            Field(required: "starts", \.starts, "The local time at which it begins."),
            Field(required: "ends", \.ends, "The local time at which all of it must be over."),
            Field(
                required: "timezone", \.timezone,
                "The zone of both, as IANA spells it: Europe/Berlin. Never an abbreviation."),
        ],
        check: {
            if $0.ends <= $0.starts {
                throw FormProblem(
                    "it is over before it begins", at: nil, path: "ends", expected: "a later 'ends'")
            }
        })
}

/// `customers-told: Customers were told.`, or `{ ask: …, role: liaison, otherwise: warn }`.
struct QuestionForm: FormValue {
    enum Otherwise: String, FormWord { case warn, block }

    struct Fields: Formed {
        var ask = ""
        var role: GameDayRole?
        var otherwise = Otherwise.block
        static let form = Form(
            "question", "What somebody must say yes to.", blank: Fields(),
            fields: [
                Field(required: "ask", \.ask, "The sentence that must be true."),
                Field("role", \.role, "Who may say yes; everybody who holds a role where it is left out."),
                Field(
                    "otherwise", \.otherwise, default: .block,
                    "warn or block: what it means that nobody said yes."),
            ])
    }

    var fields: Fields

    static var shape: Shape { .either([.text, Fields.shape]) }
    var value: Value { fields.value }
    init(node: FormNode) throws {
        if let ask = node.text { fields = Fields(ask: ask) } else { fields = try Fields(node: node) }
    }
}

struct PreflightForm: Formed {
    struct BackupForm: Formed {
        var path = ""
        var within = Duration.zero
        static let form = Form(
            "backup", "A backup whose age is looked at.", blank: BackupForm(),
            fields: [
                Field(required: "path", \.path, "A file, or a directory, of which the newest file counts."),
                Field(required: "within", \.within, "How old it may be."),
            ])
    }

    var freeSpace = GameDay.PreflightLimits().freeSpace
    var clockOffset = GameDay.PreflightLimits().clockOffset
    var revertVerifiedWithin: Duration?
    var backups: [BackupForm] = []

    static let form = Form(
        "preflight", "What machines are held against before a game day begins.", blank: PreflightForm(),
        fields: [
            Field(
                "freeSpace", \.freeSpace, default: GameDay.PreflightLimits().freeSpace,
                "The least free space where outcomes and the guard's journal lie."),
            Field(
                "clockOffset", \.clockOffset, default: GameDay.PreflightLimits().clockOffset,
                "How far the clock may be off, as the kernel estimates it."),
            Field(
                "revertVerifiedWithin", \.revertVerifiedWithin,
                "How old the last run of each drill may be after which everything was seen to be put back."),
            Field("backups", \.backups, default: [], "Backups that must be young enough."),
        ])
}

struct SettleForm: Formed {
    var duration = GameDay.SettleGate().duration
    var within = GameDay.SettleGate().within
    static let form = Form(
        "settle", "The gate between two drills.", blank: SettleForm(),
        fields: [
            Field(
                "for", \.duration, default: GameDay.SettleGate().duration,
                "For how long nothing must be left broken."),
            Field(
                "within", \.within, default: GameDay.SettleGate().within,
                "The longest that is waited for it; else the day stops."),
        ],
        check: {
            if $0.within < $0.duration {
                throw FormProblem(
                    "it waits for less time than it must hold", at: nil, path: "within",
                    expected: "at least \($0.duration.unitsText)")
            }
        })
}

struct CommsForm: Formed {
    var start: String?
    var abort: String?
    var end: String?
    var convert: String?
    static let form = Form(
        "comms", "What people are told.", blank: CommsForm(),
        fields: [
            Field("start", \.start, "When it begins to break things."),
            Field("abort", \.abort, "When it ends early."),
            Field("end", \.end, "When all is put back."),
            Field("convert", \.convert, "When a real incident takes its place."),
        ])
}
