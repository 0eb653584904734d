import CLinux
import Glibc

extension Descriptor {
    /// The extended attributes of a file, by name in the order of their bytes (xattr(7)); none where its file system
    /// knows of none, and without those that we may not read.
    /// - Throws: `SystemError`.
    public func extendedAttributes() throws(SystemError) -> [(name: String, value: [UInt8])] {
        var names = [CChar](repeating: 0, count: 65_536)
        let length: Int64
        do throws(SystemError) {
            length = try call("list extended attributes") {
                csystem_attribute_names(number, &names, names.count)
            }
        } catch  where error.code == EOPNOTSUPP {
            return []
        }
        let list = names.prefix(Int(length)).split(separator: 0).map {
            String(decoding: $0.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        var found: [(name: String, value: [UInt8])] = []
        // A value has at most 64 KiB (xattr(7)).
        var room = list.isEmpty ? [] : [UInt8](repeating: 0, count: 65_536)
        for name in list.sorted(by: { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }) {
            do throws(SystemError) {
                let count = try call("read the attribute \(name)") {
                    csystem_attribute(number, name, &room, room.count)
                }
                found.append((name, Array(room.prefix(Int(count)))))
            } catch  where error.code == ENODATA || error.code == EPERM {
                continue
            }
        }
        return found
    }
}
