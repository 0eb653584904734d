/// What `Sample.code` holds besides HTTP statuses (200 to 599), errnos (below 134: connections that failed,
/// programs that could not be started), 1000 + CURLcode (https://curl.se/libcurl/c/libcurl-errors.html) and
/// SQLSTATEs (`sqlState`).
public enum SampleCode {
    /// The name has no address.
    public static let nameNotFound: Int32 = 2001
    /// The other side closed the connection before it had answered.
    public static let endOfStream: Int32 = 2002
    /// The answer is not of this protocol.
    public static let protocolViolation: Int32 = 2003
    /// The server answered with an error of its protocol.
    public static let refusedByServer: Int32 = 2004
    /// The content is not the expected one.
    public static let wrongContent: Int32 = 2005
    /// A header is not the expected one.
    public static let wrongHeader: Int32 = 2006
    /// The file is not there, or is too old.
    public static let fileMissing: Int32 = 2007
    public static let fileTooOld: Int32 = 2008
    /// The server is a standby where a primary is wanted, or the other way round.
    public static let wrongRole: Int32 = 2021

    /// Added to the exit status of a program; to 128 + signal where a signal ended it.
    public static let exitStatus: Int32 = 4000

    /// Outcome `unknown`: it was due while the instrument itself was late.
    public static let instrumentLate: Int32 = 3001
    /// Outcome `unknown`: too many attempts were under way.
    public static let tooManyInFlight: Int32 = 3002
    /// Outcome `unknown`: it was due while this writer's previous write had no answer yet.
    public static let writerBusy: Int32 = 3003
    /// Outcome `unknown`: the ledger could not take another entry.
    public static let ledgerFull: Int32 = 3004

    /// The code in words, for the live view and reports.
    public static func inWords(_ code: Int32) -> String {
        switch code {
        case 0: "ok"
        case nameNotFound: "name not found"
        case endOfStream: "connection closed"
        case protocolViolation: "not the protocol"
        case refusedByServer: "error from the server"
        case wrongContent: "wrong content"
        case wrongHeader: "wrong header"
        case fileMissing: "file missing"
        case fileTooOld: "file too old"
        case wrongRole: "wrong role"
        case instrumentLate: "instrument late"
        case tooManyInFlight: "too many in flight"
        case writerBusy: "writer busy"
        case ledgerFull: "ledger full"
        // No final status is below 200, and errnos end at 133.
        case 1..<134: errorText(code)
        case 134...599: "status \(code)"
        case 1000..<2000: curlText(code - 1000)
        case 4000..<4256: "exit status \(code - exitStatus)"
        default: sqlStateInWords(code) ?? "code \(code)"
        }
    }
}
