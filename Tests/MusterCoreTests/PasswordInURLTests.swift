import MusterCore
import Testing

@Suite struct PasswordInURLTests {
    @Test(arguments: [
        "redis://:secret@db/0", "postgres://app:p%40ss@db:5432/x", "--url=http://a:b@c/",
        "see http://ok/ and http://u:p@h",
    ])
    func findsOne(_ text: String) { #expect(holdsPasswordInURL(text)) }

    @Test(arguments: [
        "", "://", "http://user@host/", "http://user:@host/", "http://host:80/a:b@c", "user:pass@host",
        "http://h/?mail=a:b@c",
    ])
    func findsNone(_ text: String) { #expect(!holdsPasswordInURL(text)) }
}
