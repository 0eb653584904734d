import Glibc
import MusterCore
import MusterGuard
import MusterSystem

// Before anything else: this must cost next to nothing.
if CommandLine.arguments.count == 2, CommandLine.arguments[1] == "--version" {
    print("muster-guard \(Version.text)")
    exit(0)
}
nameThread("muster-guard")
exit(Commands.run(Array(CommandLine.arguments.dropFirst())))
