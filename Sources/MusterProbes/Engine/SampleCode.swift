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
    /// The answer is longer than the probe takes; the rest of it was not read.
    public static let answerTooLong: Int32 = 2009
    /// The body is not JSON (RFC 8259), or nested deeper than 64.
    public static let notJSON: Int32 = 2010
    /// The certificate is signed by nobody who is trusted here.
    public static let certificateUntrusted: Int32 = 2011
    public static let certificateExpired: Int32 = 2012
    public static let certificateNotYetValid: Int32 = 2013
    /// The certificate is of another name.
    public static let certificateOtherName: Int32 = 2014
    /// The server has not said when its certificate ends.
    public static let certificateUnreadable: Int32 = 2015
    /// A UNIX socket whose queue of connections is full: nobody takes them (unix(7), EAGAIN).
    public static let queueFull: Int32 = 2016
    /// The name server has no record of that type under the name.
    public static let noRecord: Int32 = 2017
    /// The name server has records, but none is the expected one.
    public static let otherAddress: Int32 = 2018
    /// The answer did not fit into a datagram, and what came of it holds no record.
    public static let truncated: Int32 = 2019
    /// The expression yields nothing.
    public static let noResult: Int32 = 2020
    /// A value is not within the limits.
    public static let outOfLimits: Int32 = 2021
    /// Redis is up and still reads its data set.
    public static let stillLoading: Int32 = 2022
    /// Redis takes no writes: it is a replica, or its disk fails.
    public static let readOnly: Int32 = 2023
    /// Redis wants a password.
    public static let notAuthenticated: Int32 = 2024
    /// The connection was closed in the middle of an answer.
    public static let cutShort: Int32 = 2025
    public static let tooManyRedirects: Int32 = 2026
    /// The other side does not speak TLS, or not in a way that both know.
    public static let handshakeFailed: Int32 = 2027

    /// A sentinel watches no master of that name.
    public static let noMaster: Int32 = 2028

    /// Added to what a name server answers instead of records, its RCODE (RFC 1035, 4.1.1).
    public static let nameServer: Int32 = 2100

    /// Added to the days for which a certificate is still valid, at most 100,000; also where that is too few.
    public static let certificateDays: Int32 = 100_000

    /// A look that is part of a workload was not answered as it should be.
    public static let readFailed: Int32 = 2030
    /// A look that is part of a workload was answered, and showed an invariant broken.
    public static let invariantBroken: Int32 = 2031

    /// Added to SQLite's primary result codes (https://www.sqlite.org/rescode.html).
    static let sqlite: Int32 = 5000
    /// The server is a standby where a primary is wanted, or the other way round.
    public static let wrongRole: Int32 = 2032

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
        case readFailed: "a look without an answer"
        case invariantBroken: "an invariant is broken"
        case answerTooLong: "answer too long"
        case notJSON: "not JSON"
        case certificateUntrusted: "certificate not trusted"
        case certificateExpired: "certificate expired"
        case certificateNotYetValid: "certificate not yet valid"
        case certificateOtherName: "certificate of another name"
        case certificateUnreadable: "certificate unreadable"
        case queueFull: "queue of connections full"
        case noRecord: "no such record"
        case otherAddress: "another address"
        case truncated: "answer truncated"
        case noResult: "no result"
        case outOfLimits: "out of limits"
        case stillLoading: "still loading"
        case readOnly: "read-only"
        case notAuthenticated: "password wanted"
        case cutShort: "answer cut short"
        case tooManyRedirects: "too many redirects"
        case handshakeFailed: "TLS handshake failed"
        case wrongRole: "wrong role"
        case noMaster: "no such master"
        case instrumentLate: "instrument late"
        case tooManyInFlight: "too many in flight"
        case writerBusy: "writer busy"
        case ledgerFull: "ledger full"
        // No final status is below 200, and errnos end at 133.
        case 1..<134: errorText(code)
        case 134...599: "status \(code)"
        case 1000..<2000: curlText(code - 1000)
        case sqlite..<sqlite + 256: "SQLite: \(SQLiteConnection.words(code - sqlite))"
        case nameServer..<nameServer + 16: "name server: \(nameServerText(code - nameServer))"
        case exitStatus..<exitStatus + 256: "exit status \(code - exitStatus)"
        case certificateDays...certificateDays + 100_000: "\(code - certificateDays) days of certificate left"
        default: sqlStateInWords(code) ?? "code \(code)"
        }
    }

    /// RFC 1035, 4.1.1, and RFC 2136, 2.2.
    private static func nameServerText(_ code: Int32) -> String {
        let words = [
            "no error", "format error", "server failure", "no such name", "not implemented", "refused",
            "name exists", "records exist", "records missing", "not authoritative", "not in zone",
        ]
        return words.indices.contains(Int(code)) ? words[Int(code)] : "code \(code)"
    }
}
