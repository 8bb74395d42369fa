internal import Events

extension Network {
    /// Takes over the parameters that a transplant carries, and what the optimizer keeps of them.
    /// - Precondition: the network is fresh, and made of the transplant's schema and settings.
    mutating func take(_ transplant: Transplant) {
        expected.clear()
        let source = transplant.source
        let tensors = NetworkTensors(schema: source.schema, settings: source.settings.network)
        let places = Dictionary(
            uniqueKeysWithValues: tensors.all.map { ($0.name, $0.range.lowerBound) }
        )
        let old = transplant.tableNames
        let inputs = transplant.inputTensorNames
        let columns = transplant.columns
        for entry in layout.entries {
            let range = entry.tensor.range
            if entry.part != .dense {
                // The source may have no linear part: then it starts fresh.
                guard let start = old[entry.tensor.name].flatMap({ places[$0] }) else { continue }
                carry(from: start, to: range, entry.part, transplant)
            } else if transplant.denseResetKey == nil {
                let start = places[entry.tensor.name]!
                if inputs.contains(entry.tensor.name) {
                    carryColumns(columns, from: start, of: entry.tensor, transplant)
                } else {
                    carry(from: start, to: range, entry.part, transplant)
                }
            }
        }
    }

    /// Carries a matrix [outputs, inputs] whose inputs have moved; the new ones' columns are 0.
    private mutating func carryColumns(
        _ columns: Transplant.Columns,
        from start: Int,
        of tensor: Tensor,
        _ transplant: Transplant
    ) {
        for row in 0..<tensor.shape[0] {
            let oldRow = start + row * columns.sourceCount
            let newRow = tensor.range.lowerBound + row * tensor.shape[1]
            for (new, old) in columns.runs {
                let range = newRow + new.lowerBound..<newRow + new.upperBound
                if let old {
                    carry(from: oldRow + old, to: range, .dense, transplant)
                } else {
                    memory.parameters.fill(range, with: 0)
                    memory.resetOptimizerState(of: range, part: .dense, method: method)
                }
            }
        }
    }

    private mutating func carry(
        from start: Int,
        to range: Range<Int>,
        _ part: Part,
        _ transplant: Transplant
    ) {
        let source = transplant.source
        let values = source.network.parameters[start..<start + range.count]
        memory.parameters.replace(at: range.lowerBound, with: Array(values))
        guard transplant.state == .kept else {
            return memory.startOptimizerState(
                of: range,
                part: part,
                method: method,
                accumulator: transplant.settings.optimizer.warmAccumulator
            )
        }
        for slot in method.stateNames.indices {
            let first = slot * source.network.parameters.count + start
            memory.optimizerState.replace(
                at: slot * parameterCount + range.lowerBound,
                with: Array(source.network.optimizerState[first..<first + range.count])
            )
        }
        // FTRL's weight follows from z by the rule, which must not be another one.
        if transplant.settings.optimizer.hasOtherRule(for: part, than: source.settings.optimizer) {
            memory.keepWeights(of: range, part: part, method: method)
        }
    }
}

extension OptimizerSettings {
    fileprivate func hasOtherRule(for part: Part, than other: OptimizerSettings) -> Bool {
        method != other.method || rate(of: part) != other.rate(of: part)
    }
}

extension Transplant {
    /// The trunk's inputs, field by field.
    struct Columns {
        /// Where a field's columns are, and where they begin in the source; nil: nowhere.
        var runs: [(new: Range<Int>, old: Int?)]
        /// All columns of the source.
        var sourceCount: Int
    }

    var columns: Columns {
        let old = source.schema.inputStarts(dimension: source.settings.network.embeddingDimension)
        let new = schema.inputStarts(dimension: settings.network.embeddingDimension)
        return Columns(
            runs: fields.indices.map { index in
                (new[index]..<new[index + 1], fields[index].source.map { old[$0] })
            },
            sourceCount: old[old.count - 1]
        )
    }

    /// The source's tensor, if it has it, for each table of a field that goes over.
    var tableNames: [String: String] {
        var names: [String: String] = [:]
        for field in fields {
            guard let index = field.source else { continue }
            for table in ["embedding", "wide"] {
                names["\(table).\(field.name).weight"] =
                    "\(table).\(source.schema.fields[index].name).weight"
            }
        }
        return names
    }

    /// The tensors whose columns are the trunk's inputs.
    var inputTensorNames: Set<String> {
        Set(
            (0..<settings.network.experts).map { "expert.\($0).0.weight" }
                + settings.network.gates.names.map { "gate.\($0).weight" }
        )
    }
}

extension FeatureSchema {
    /// Where each field's columns begin among the trunk's inputs, and at last where they end.
    fileprivate func inputStarts(dimension: Int) -> [Int] {
        var starts = [0]
        for field in fields {
            starts.append(starts[starts.count - 1] + (field.rows > 0 ? dimension : 1))
        }
        return starts
    }
}
