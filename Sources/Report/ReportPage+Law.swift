internal import Events

extension ReportPage {
    var lawSection: Markup {
        var body: Markup = """
            <p>Every consumed event is in exactly one place: consumed = applied + duplicate + repeat + late + \
            view-through + orphaned + dropped + quarantined + pending.</p>

            """
        for run in content.runs { body += law(of: run) }
        return .section("Where every event went", id: "law", body)
    }

    private func law(of run: ReportRun) -> Markup {
        let byRole = Role.allCases.map { role in
            RoleBooks(role: role, books: run.books.filter { $0.partition.role == role })
        }
        let holds = run.books.allSatisfy { $0.consumed == $0.counts.reduce(0, +) }
        let verdict: Markup =
            holds
            ? "<span class=\"good\">The law holds in every partition.</span>"
            : "<span class=\"bad\">The law is broken: a defect of Freshet; please report it.</span>"
        var content: Markup = isComparison ? "<h3>\(run.name)</h3>\n" : ""
        content += "<p>\(verdict)</p>\n"
        content += byRole.map(bar).joined()
        content += .table(
            caption: "Events by kind",
            head: ["place"] + byRole.map { "\($0.role.plural)" },
            rows: placeRows(run, byRole)
        )
        content += .details(
            "Every topic partition or file",
            .table(
                caption: "Events by partition",
                head: ["partition", "consumed"] + Place.allCases.map { "\(Self.title($0))" },
                rows: run.books.map { partitionRow(run, $0) },
                kind: "dense"
            )
        )
        return content
    }

    private struct RoleBooks {
        var role: Role
        var consumed: Int
        var counts: [Int]

        init(role: Role, books: [PartitionBooks]) {
            self.role = role
            consumed = books.reduce(0) { $0 + $1.consumed }
            counts = Place.allCases.map { place in
                books.reduce(0) { $0 + $1.counts[place.rawValue] }
            }
        }
    }

    /// The places' shares as one bar; the table below says the same.
    private func bar(_ books: RoleBooks) -> Markup {
        var left = 0.0
        let parts = Place.allCases.compactMap { place -> Markup? in
            let count = books.counts[place.rawValue]
            guard count > 0, books.consumed > 0 else { return nil }
            let width = Double(count) / Double(books.consumed) * 1_000
            defer { left += width }
            return """
                <rect class="place-\(place.rawValue)" x="\(left)" y="0" width="\(width)" height="14">\
                <title>\(Self.title(place)): \(NumberText.grouped(count)) \(books.role.plural)\
                </title></rect>
                """
        }
        return """
            <div class="share"><span>\(books.role.plural)</span>\
            <svg viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" \
            aria-label="\(books.role.plural) by place, as in the table below">\(parts.joined())\
            </svg></div>

            """
    }

    private func placeRows(_ run: ReportRun, _ byRole: [RoleBooks]) -> [Markup] {
        let consumed: Markup =
            "<th scope=\"row\">consumed</th>"
            + byRole.map {
                Figure(run.name, "consumed.\($0.role.plural)", $0.consumed).cell()
            }.joined()
        return [consumed]
            + Place.allCases.map { place in
                """
                <th scope="row"><svg class="chip" viewBox="0 0 10 10" aria-hidden="true">\
                <rect class="place-\(place.rawValue)" width="10" height="10"/></svg>\
                \(Self.title(place)) <span class="muted">\(Self.meaning(place))</span></th>\
                \(byRole.map {
                    Figure(
                        run.name,
                        "\(place.name).\($0.role.plural)",
                        $0.counts[place.rawValue]
                    ).cell()
                }.joined())
                """
            }
    }

    private func partitionRow(_ run: ReportRun, _ books: PartitionBooks) -> Markup {
        let partition = books.partition
        let path = "partition.\(partition.role.plural).\(partition.name).\(partition.number)"
        return """
            <th scope="row">\(partition.name)/\(Int(partition.number)) \
            <span class="muted">\(partition.role.plural)</span></th>\
            \(Figure(run.name, path + ".consumed", books.consumed).cell())\
            \(Place.allCases.map {
                Figure(run.name, "\(path).\($0.name)", books.counts[$0.rawValue]).cell()
            }.joined())
            """
    }

    private static func title(_ place: Place) -> String {
        place == .viewThrough ? "view-through" : place.name
    }

    private static func meaning(_ place: Place) -> String {
        switch place {
        case .applied: "joined and final"
        case .duplicate: "seen before"
        case .repeat: "a further conversion, counted, not trained"
        case .late: "after its window"
        case .viewThrough: "a conversion without a click"
        case .orphaned: "what it refers to never came"
        case .dropped: "at a limit of memory, or its clicks were lost in a silence: untrained"
        case .quarantined: "not a valid event"
        case .pending: "still waiting"
        }
    }
}
