internal import CFuzzer
internal import Glibc

/// What is tried, as `MUSTER_FUZZ_TARGET` names it; the arguments are libFuzzer's.
let target = getenv("MUSTER_FUZZ_TARGET").map { String(cString: $0) } ?? ""
let run: @Sendable ([UInt8]) -> Void = {
    switch target {
    case "bodies": return fuzzBodies
    case "http": return fuzzHTTP
    case "hello": return fuzzHello
    case "messages": return fuzzMessages
    default:
        print("fuzz-proxy: MUSTER_FUZZ_TARGET: expected bodies, http, hello or messages")
        exit(2)
    }
}()

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(
    LLVMFuzzerRunDriver(&count, &arguments) { data, size in
        run(Array(UnsafeBufferPointer(start: data, count: size)))
        return 0
    })

/// A finding that is no trap by itself.
func require(_ isSo: Bool, _ what: @autoclosure () -> String) {
    guard isSo else { fatalError("not so: \(what())") }
}
