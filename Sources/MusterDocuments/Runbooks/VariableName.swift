/// Names that a shell can read from its environment (POSIX.1-2017, XBD 3.235), and that mean nothing yet.
enum VariableName {
    /// Of the shells themselves (bash(1), "Shell Variables"; POSIX.1-2017, XCU 2.5.3), and of libc: they change how
    /// every step runs, or the shell does not take them from its environment.
    private static let taken: Set<String> = [
        "PATH", "IFS", "HOME", "SHELL", "PWD", "OLDPWD", "CDPATH", "ENV", "BASHOPTS", "SHELLOPTS",
        "GLOBIGNORE",
        "PROMPT_COMMAND", "PS4", "POSIXLY_CORRECT", "ZDOTDIR", "FPATH", "UID", "EUID", "PPID", "RANDOM",
        "SECONDS",
        "LINENO", "OPTIND", "OPTARG", "OPTERR", "DIRSTACK", "GROUPS", "FUNCNAME", "GCONV_PATH", "LOCPATH",
        "NLSPATH",
    ]
    /// Names that begin so belong to the program loader (ld.so(8)), to bash, and to us.
    private static let takenBeginnings = ["LD_", "BASH_", "MUSTER_"]

    /// What would be right; nil when it is.
    static func problem(_ name: String) -> String? {
        let scalars = name.unicodeScalars
        let isName =
            scalars.allSatisfy {
                $0 == "_" || $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
            } && scalars.first.map { $0.properties.numericType == nil } == true && name.count <= 64
        if !isName { return "a name that a shell knows: letters, digits and '_', no digit first" }
        let isTaken = taken.contains(name) || takenBeginnings.contains { name.hasPrefix($0) }
        return isTaken ? "another name: this one has a meaning already" : nil
    }
}
