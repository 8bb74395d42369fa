import Report
import Testing

@Suite("Scales")
struct ScaleTests {
    @Test("place the ends of their domain at the ends of the drawing, and order what lies between")
    func positions() {
        for scale in [
            Scale(.linear, domain: -3...7, from: 100, to: 20),
            Scale(.logarithmic, domain: 0.001...50, from: 100, to: 20),
        ] {
            #expect(abs(scale.position(scale.domain.lowerBound) - 100) < 1e-9)
            #expect(abs(scale.position(scale.domain.upperBound) - 20) < 1e-9)
            #expect(scale.position(1) > scale.position(2))
            #expect(scale.clampedPosition(1_000) == scale.position(scale.domain.upperBound))
            #expect(scale.position(1_000) < 20)
        }
        let decades = Scale(.logarithmic, domain: 0.01...100, from: 0, to: 400)
        #expect(abs(decades.position(1) - 200) < 1e-9)
        #expect(abs(decades.position(10) - 300) < 1e-9)
        #expect(Scale(domain: 10...20, from: 0, to: 50).position(13) == 15)
    }

    @Test("have ticks at round values within their domain")
    func ticks() {
        #expect(
            Scale(domain: 0...1, from: 0, to: 1).ticks(about: 5).map { ($0 * 10).rounded() }
                == [0, 2, 4, 6, 8, 10]
        )
        #expect(Scale(domain: -7...12, from: 0, to: 1).ticks(about: 4) == [-5, 0, 5, 10])
        #expect(
            Scale(.logarithmic, domain: 0.002...3, from: 0, to: 1).ticks(about: 5)
                == [0.01, 0.1, 1]
        )
        let short = Scale(.logarithmic, domain: 0.15...0.9, from: 0, to: 1).ticks(about: 5)
        #expect(short.map { ($0 * 100).rounded() } == [20, 50])
        for exponent in -12...12 {
            let unit = Double(sign: .plus, exponent: exponent, significand: 1)
            let scale = Scale(domain: unit...unit * 3.7, from: 0, to: 1)
            let ticks = scale.ticks(about: 4)
            #expect((2...9).contains(ticks.count), "\(unit)")
            #expect(ticks.allSatisfy { scale.domain.contains($0) })
        }
    }

    @Test("widen a domain of one value")
    func single() {
        for (kind, value) in [(Scale.Kind.linear, 0.0), (.linear, -4), (.logarithmic, 0.3)] {
            let scale = Scale(kind, domain: value...value, from: 0, to: 10)
            #expect(abs(scale.position(value) - 5) < 1e-6)
        }
    }
}
