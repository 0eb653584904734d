import MusterCore
import Testing

@Suite struct PasswordInURLTests {
    @Test(arguments: [
        "redis://:secret@db/0", "postgres://app:p%40ss@db:5432/x", "--url=http://a:b@c/",
        "see http://ok/ and http://u:p@h", "redis://me:wo/rd@host", "http://me:w#rd@host/x",
    ])
    func findsOne(_ text: String) { #expect(holdsPasswordInURL(text)) }

    @Test(arguments: [
        "", "://", "http://user@host/", "http://user:@host/", "http://host:80/a:b@c", "user:pass@host",
        "http://h/?mail=a:b@c", "http://[::1]:80/a@b", "postgres://h1:5432,h2:5432/db?x=a@b",
        "http://user@host:80/a:b@c", "http://user:@host/a@b", "postgres://h:5432/db?password=a@b",
        "http://h:5432#a:b@c", "http://h:5432?a:b@c", "http://h:80\ta:b@c",
    ])
    func findsNone(_ text: String) { #expect(!holdsPasswordInURL(text)) }
}

@Suite struct HidingPasswordsTests {
    @Test(arguments: [
        ("redis://me:word@h/0", "redis://me:***@h/0"), ("redis://:word@h", "redis://:***@h"),
        ("a http://u:p@h and http://u:q@h", "a http://u:***@h and http://u:***@h"),
        // What no URL allows, and people write all the same.
        ("postgres://u:p/w@x#y@h/db", "postgres://u:***@h/db"),
        // In a query, which is no place for a user: neither half is left, and nothing else is hidden.
        ("postgres://h:5432/db?password=a@b", "postgres://h:5432/db?password=***"),
        ("postgres://u@h:5432/db?password=a@b", "postgres://u@h:5432/db?password=***"),
        ("postgres://u:p@h/db?password=a@b", "postgres://u:***"),
        ("postgres://u:p@h/db?x=y&password=geheim", "postgres://u:***@h/db?x=y&password=***"),
        ("postgres://u:p?w@h/db", "postgres://u:***@h/db"), ("redis://u:p#w@h", "redis://u:***@h"),
        ("http://u:p@h/@scope", "http://u:***@scope"),
        ("host=h password=geheim user=u", "host=h password=*** user=u"),
        ("host=h password='ge heim' user=u", "host=h password='***' user=u"),
        ("env PGPASSWORD=geheim psql", "env PGPASSWORD=*** psql"), ("Password=a&b=c", "Password=***&b=c"),
    ])
    func hidesThem(_ text: String, _ shown: String) {
        #expect(hidingPasswords(text) == shown)
        #expect(hidingPasswords(shown) == shown, "twice is once")
    }

    @Test(arguments: [
        ("password: geheim", "password: ***"), ("PGPASSWORD: geheim", "PGPASSWORD: ***"),
        ("{ password: geheim, user: u }", "{ password: ***, user: u }"),
        ("\"password\": 'ge, heim' # x", "\"password\": '***' # x"),
        ("password: ${env:TOKEN}x", "password: ${env:TOKEN}***"),
        ("{ password: ${env:A}x${env:B}geheim }", "{ password: ${env:A}*** }"),
        ("password: \"${env:A}${env:B}geheim\"", "password: \"${env:A}${env:B}***\""),
    ])
    func hidesThemInDrills(_ text: String, _ shown: String) {
        #expect(hidingPasswords(text, isSource: true) == shown)
    }

    @Test(arguments: [
        "", "http://h:80/x", "http://user@h", "http://h:80/x:y@z", "http://user@h:80/?mail=a:b@c",
        "http://[::1]:80/a@b", "postgres://h1:5432,h2:5432/db?x=a@b", "http://h:80#a@b", "http://user:@h/a@b",
        "a password: what stands in a drill is shown", "a password",
        "password: \"${file:/etc/pg pass}\"", "password: ${env:TOKEN}", "{ password: ${env:TOKEN} }",
    ])
    func leavesTheRest(_ text: String) {
        #expect(hidingPasswords(text) == text)
        if !text.hasPrefix("a ") { #expect(hidingPasswords(text, isSource: true) == text) }
    }
}
