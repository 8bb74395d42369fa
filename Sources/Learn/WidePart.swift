/// The linear part beside the deep one (Cheng et al., Wide & Deep Learning, DLRS 2016): every field adds
/// a row of its own table to the logits of both tasks, a list its pooled rows, a number its multiple of
/// the one row.
struct WidePart {
    /// A field's numbers: what it adds to the logit of CTR and to that of CVR.
    static let columns = 2

    /// Of all fields, in the schema's order.
    let output: Vector

    /// The sums over the fields.
    func logits(_ memory: borrowing NetworkMemory) -> (ctr: Float, cvr: Float) {
        var (ctr, cvr): (Float, Float) = (0, 0)
        for place in fieldPlaces {
            ctr += memory.activations[place]
            cvr += memory.activations[place + 1]
        }
        return (ctr, cvr)
    }

    /// A logit's gradient is that of every field's share of it.
    func setGradients(_ memory: inout NetworkMemory, ctrLogit: Float, cvrLogit: Float) {
        for place in fieldPlaces {
            memory.gradients[place] = ctrLogit
            memory.gradients[place + 1] = cvrLogit
        }
    }

    private var fieldPlaces: StrideTo<Int> {
        stride(from: output.offset, to: output.offset + output.count, by: Self.columns)
    }
}

/// A number's share of the linear part: output = number · the one row of its table. An absent number is
/// 0, which adds and learns nothing.
struct WideNumber {
    let table: EmbeddingTable

    func forward(_ memory: inout NetworkMemory, number: Float) {
        let row: [1 of UInt32] = [0]
        memory.pool(row.span, of: table, scale: number)
    }

    /// dRow = number · dOutput
    func backward(_ memory: inout NetworkMemory, number: Float) {
        let row: [1 of UInt32] = [0]
        let scale: [1 of Float] = [number]
        memory.update(row.span, of: table, scales: scale.span)
    }
}
