import CLinux
import Glibc

extension Descriptor {
    /// Names in this directory, without `.` and `..`, in no order (readdir(3)).
    public func names() throws(SystemError) -> [String] {
        // closedir(3) closes what it was given, so it gets a copy of its own.
        let copy = try call("list a directory") { csystem_duplicate_high(number, 3) }
        guard let stream = fdopendir(copy) else {
            let error = SystemError.last("list a directory")
            close(copy)
            throw error
        }
        defer { closedir(stream) }
        rewinddir(stream)
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        if errno != 0 { throw SystemError.last("list a directory") }
        return names
    }
}
