internal import Events

extension ReportPage {
    /// The first configuration's: the delays of all are the same but for windows.
    var delaySection: Markup {
        var body: Markup = """
            <p>A click is late when it comes after its impression's click window, a conversion when it comes \
            after its click's conversion window. Late events train nothing. \
            The drawings hold the events that found what they refer to.</p>

            """
        if !main.delays.isEmpty {
            body +=
                "<div class=\"drawings two\">\(main.delays.map(delayDrawing).joined())</div>\n"
        }
        body += .table(
            caption: "What came too late",
            head: ["", "consumed", "late", "share"],
            rows: [Role.click, .conversion].map(lateRow)
        )
        if !main.delays.isEmpty {
            body += .details("Figures of every delay", main.delays.map(delayTable).joined())
        }
        return .section("How long events take", id: "delays", body)
    }

    private static func title(_ role: Role) -> String {
        role == .click ? "Clicks after their impression" : "Conversions after their click"
    }

    private func delayDrawing(_ delays: DelayDistribution) -> Markup {
        let title = Self.title(delays.role)
        let all = delays.within + delays.late
        let share = all > 0 ? NumberText.percent(Double(delays.late) / Double(all)) : "none"
        return .drawing(
            "\(title): \(share) after the window",
            DelayChart(title: title, delays: delays).svg()
        )
    }

    private func lateRow(_ role: Role) -> Markup {
        let books = main.books.filter { $0.partition.role == role }
        let consumed = books.reduce(0) { $0 + $1.consumed }
        let late = books.reduce(0) { $0 + $1.counts[Place.late.rawValue] }
        return """
            <th scope="row">\(role.plural)</th>\
            <td class="number">\(NumberText.grouped(consumed))</td>\
            <td class="number">\(NumberText.grouped(late))</td>\
            <td class="number">\
            \(consumed > 0 ? NumberText.percent(Double(late) / Double(consumed)) : "–")</td>
            """
    }

    private func delayTable(_ delays: DelayDistribution) -> Markup {
        let path = "delays.\(delays.role.plural)"
        let name = main.name
        let rows = delays.buckets.filter { $0.count > 0 }.map { bucket -> Markup in
            """
            <th scope="row">\(TimeText.duration(Double(bucket.lower))) to \
            \(TimeText.duration(Double(bucket.upper)))</th>\
            \(Figure(name, "\(path).\(Int(bucket.lower)).within", bucket.within).cell())\
            \(Figure(name, "\(path).\(Int(bucket.lower)).late", bucket.late).cell())
            """
        }
        let total =
            "<th scope=\"row\">all</th>"
            + Figure(name, path + ".within", delays.within).cell()
            + Figure(name, path + ".late", delays.late).cell()
        return .table(
            caption: "\(Self.title(delays.role))",
            head: ["delay", "within the window", "too late"],
            rows: rows + [total],
            kind: "dense"
        )
    }
}
