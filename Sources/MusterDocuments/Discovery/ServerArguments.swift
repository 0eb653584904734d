/// Command lines of servers that are not those by which they were started.
enum ServerArguments {
    /// What nginx was called with. It writes that into its title, with blanks between the words:
    /// `nginx: master process /usr/sbin/nginx -g daemon on; master_process on;` (ngx_init_setproctitle, ngx_master_process_cycle).
    /// - Returns: nil when the title is another, or where the blanks leave it open what was one word.
    static func nginx(_ arguments: [String]) -> [String]? {
        let title = arguments.joined(separator: " ").trimmingBlanks
        let mark = "nginx: master process "
        guard title.hasPrefix(mark) else { return nil }
        var rest = title.dropFirst(mark.count).split(separator: " ").map(String.init)[...]
        guard let program = rest.popFirst(), !program.hasPrefix("-") else { return nil }
        let options: Set<String> = ["-c", "-p", "-e", "-g", "-q"]
        var found = [program]
        while let option = rest.popFirst() {
            guard options.contains(option) else { return nil }
            found.append(option)
            if option == "-q" { continue }
            let value = rest.prefix { !options.contains($0) }
            // Directives hold blanks; a path with one cannot be told from two words.
            guard option == "-g" ? !value.isEmpty : value.count == 1 else { return nil }
            found.append(value.joined(separator: " "))
            rest = rest.dropFirst(value.count)
        }
        return found
    }

    /// Without what a reload of haproxy has added: the processes that were to end, and where sockets were taken over
    /// from (haproxy(1), `-sf`, `-st`, `-x`). Those numbers belong to others by the time that it is started again.
    static func haproxy(_ arguments: [String]) -> [String] {
        var rest = arguments[...]
        var kept: [String] = []
        while let argument = rest.popFirst() {
            switch argument {
            case "-sf", "-st": rest = rest.drop { Int32($0) != nil }
            case "-x": _ = rest.popFirst()
            default: kept.append(argument)
            }
        }
        return kept
    }
}
