import CCurl
import Glibc

func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }

func curlText(_ code: Int32) -> String {
    guard ccurl_load() == nil else { return "curl error \(code)" }
    return String(cString: ccurl_error_text(CURLcode(UInt32(code))))
}
