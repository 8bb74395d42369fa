import Report
import Testing

@Suite("Scales")
struct ScaleTests {
}
