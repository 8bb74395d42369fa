import Report
import Testing

@Suite("Markup")
struct MarkupTests {
    @Test("escapes what is interpolated, and leaves markup alone")
    func escapes() {
        let hostile = "</td><script>alert('1 & \"2\"')</script>"
        let cell: Markup = "<td title=\"\(hostile)\">\(hostile)</td>"
        let escaped =
            "&lt;/td&gt;&lt;script&gt;alert(&#39;1 &amp; &quot;2&quot;&#39;)&lt;/script&gt;"
        #expect(cell.text == "<td title=\"\(escaped)\">\(escaped)</td>")
        let row: Markup = "<tr>\(cell)\([cell, cell].joined())</tr>"
        #expect(row.text == "<tr>\(cell.text)\(cell.text)\(cell.text)</tr>")
    }

    @Test("replaces characters that HTML has no place for")
    func controls() {
        let text: Markup = "\("a\0b\u{1B}c\u{7F}\u{9F}\u{85}\r\n\td")"
        #expect(text.text == "a\u{FFFD}b\u{FFFD}c\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\n\td")
        let plain: Markup = "\("ä 日本 🙂 é")"
        #expect(plain.text == "ä 日本 🙂 é")
    }

    @Test("writes coordinates to a hundredth and numbers in full")
    func numbers() {
        let text: Markup = "\(1.0 / 3) \(-2.5) \(1_234_567)"
        #expect(text.text == "0.33 -2.5 1234567")
    }
}
