/// The demo's configuration, so that it runs from any directory: `config/demo.yaml`, word for word
/// but for the address of the broker.
enum DemoConfiguration {
    /// - Parameter servers: host:port of the demo's own broker.
    static func text(servers: String) -> String {
        """
        # The configuration of `freshet demo`: windows of seconds, so that a visitor sees labels
        # settle.
        kafka:
          settings:
            # The demo runs a broker of its own and replaces this address by that broker's.
            bootstrap.servers: \(servers)

        order:
          ordering_delay: 500ms

        # The demo's clicks come 0.3 s after the impression on average, its conversions 0.6 s after
        # the click; about one in 800 of either comes too late for these windows.
        join:
          click_window: 2s
          conversion_window: 4s
          orphan_window: 2s
          closed_memory: 30s

        # The fields that the generator makes: 20,000 users, 2,000 ads, 12 slots. In these tables one
        # user in 4 and one ad in 9 shares its row with another.
        features:
          - {name: user, kind: categorical, rows: 65536}
          - {name: ad, kind: categorical, rows: 16384}
          - {name: slot, kind: categorical, rows: 1024}
          - {name: hour, kind: categorical, rows: 1024}
          - {name: recent, kind: list, rows: 16384}
          - {name: price, kind: numeric}
          - {name: age, kind: bucketed, buckets: [18, 25, 35, 45, 55, 65]}

        # Those of the planted truth: 5 % clicks, 10 % conversions of clicks.
        base_rates:
          ctr: 0.05
          ctcvr: 0.005

        # Accumulators that start near 0 take large first steps: a minute is short.
        optimizer:
          method: adagrad
          embedding_rate: 0.05
          dense_rate: 0.02
          embedding_deviation: 0.05
          initial_accumulator: 1e-4

        metrics:
          cohort: 1s

        snapshots:
          every: 5s
          keep: 2

        """
    }
}
