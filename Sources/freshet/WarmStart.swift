import Configure
import Events
import Export
import Learn
import Logging
import Pipeline
import Snapshot
import StateCoding

/// `--warm-start`: what a state that has no snapshot yet takes over from an export.
struct WarmStart: Sendable {
    let transplant: Transplant
    let record: WarmStartRecord
    private let file: String

    /// - Returns: nil if it was not asked for, or the state directory has a snapshot.
    /// - Throws: `ExportError` for a file that is no sound export, or of nothing that the configuration
    ///   knows.
    init?(_ options: StateOptions, configuration: Configuration) throws {
        guard let file = options.warmStart,
            try SnapshotStore(reading: options.state).names().isEmpty
        else { return nil }
        self.file = file
        let model = try SafetensorsModel(file: file)
        do throws(StateError) {
            transplant = try Transplant(
                of: model.learned,
                to: configuration.schema,
                settings: configuration.learn
            )
        } catch {
            throw ExportError("\(file): \(error)")
        }
        record = WarmStartRecord(
            model: model.metadata[SafetensorsMetadata.modelID],
            checksum: model.checksum,
            accumulator: transplant.state == .warm
                ? configuration.learn.optimizer.warmAccumulator : nil
        )
    }

    /// Logs what went over and what did not, and whether the first predictions are the source's.
    ///
    /// - Parameter predict: the probabilities of an impression's words, numbers raw.
    func report(
        _ logger: Logger,
        predict: (inout MutableSpan<UInt32>) -> Probabilities
    ) {
        logger.info(
            "warm start",
            metadata: [
                "file": "\(file)", "model": "\(record.model ?? "unnamed")",
                "accumulators": record.accumulator.map { "start at \($0)" } ?? "go on",
            ]
        )
        reportFields(logger)
        if let key = transplant.denseResetKey {
            logger.warning(
                "experts, gates and towers start fresh: their sizes are others",
                metadata: ["key": "\(key)"]
            )
        }
        if transplant.dropsWide {
            logger.warning("the linear part is dropped", metadata: ["key": "model.wide"])
        } else if transplant.addsWide {
            logger.info("the linear part is new and starts at 0", metadata: ["key": "model.wide"])
        }
        if transplant.changesLoss {
            logger.warning(
                "the loss is another: the same outputs stand for other probabilities",
                metadata: ["was": "\(transplant.source.settings.loss.text)"]
            )
        }
        compare(logger, predict: predict)
    }

    private func reportFields(_ logger: Logger) {
        for field in transplant.fields {
            let feature: Logger.Metadata = ["feature": "\(field.name)"]
            switch field.fate {
            case .kept: break
            case .renamed(let name):
                logger.info(
                    "a feature goes on under another name",
                    metadata: feature.merging(["was": "\(name)"]) { $1 }
                )
            case .new: logger.info("a feature is new and starts fresh", metadata: feature)
            case .reset(let reason):
                logger.warning(
                    "a feature starts fresh",
                    metadata: feature.merging(["reason": "\(reason)"]) { $1 }
                )
            }
        }
        for name in transplant.dropped {
            logger.warning("a feature is dropped", metadata: ["feature": "\(name)"])
        }
    }

    /// Holds the first predictions against those that the export's golden file has of its own model.
    private func compare(
        _ logger: Logger,
        predict: (inout MutableSpan<UInt32>) -> Probabilities
    ) {
        let golden: GoldenComparison
        do {
            guard let read = try GoldenComparison(beside: file, transplant: transplant) else {
                logger.notice(
                    "the first predictions are not compared: there is no \(GoldenComparison.fileName)",
                    metadata: ["file": "\(file)"]
                )
                return
            }
            golden = read
        } catch {
            logger.warning(
                "the first predictions are not compared",
                metadata: ["error": "\(error)"]
            )
            return
        }
        let difference = golden.greatestDifference(predict)
        var metadata: Logger.Metadata = [
            "max_difference": "\(difference)", "impressions": "\(golden.count)",
        ]
        guard difference > ExportWriter.differenceLimit else {
            logger.info("the first predictions are the source's", metadata: metadata)
            return
        }
        metadata["reason"] = "\(reason)"
        logger.warning("the first predictions differ from the source's", metadata: metadata)
    }

    private var reason: String {
        if transplant.denseResetKey != nil { return "experts, gates and towers start fresh" }
        if transplant.changesLoss { return "the loss is another" }
        if transplant.dropsWide { return "the linear part is dropped" }
        return transplant.keepsPredictions
            ? "numeric features are clipped otherwise, or lists pooled"
            : "features were reset or dropped"
    }
}

extension FocalLoss {
    fileprivate var text: String {
        "gamma \(gamma), alpha \(alpha.map { "\($0)" } ?? "none")"
    }
}
