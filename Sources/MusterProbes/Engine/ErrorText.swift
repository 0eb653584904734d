import CCurl
import MusterSystem

/// The system's words for a value of errno. Not strerror(3), which several threads must not call at once.
func errorText(_ code: Int32) -> String { SystemError.text(of: code) }

func curlText(_ code: Int32) -> String {
    guard ccurl_load() == nil else { return "curl error \(code)" }
    return String(cString: ccurl_error_text(CURLcode(UInt32(code))))
}
