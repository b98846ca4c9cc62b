//! Metrics: collectors of sessions and of topics, and what a server has counted.
//!
//! Source: the SDK.

use crate::codec::{wire_enum, wire_struct, wire_union};

wire_struct! {
    /// Which sessions are counted together.
    pub struct SessionMetricCollector {
        /// Its name; another of the same name is replaced.
        pub name: String,
        /// Whether what it counts is shown to Prometheus.
        pub exports: bool,
        /// The most groups.
        pub maximum_groups: u32,
        /// Whether groups without sessions are forgotten.
        pub removes_unmatched: bool,
        /// The sessions: a filter.
        pub filter: String,
        /// The session properties by which they are grouped.
        pub group_by: Vec<String>,
    }

    /// Which topics are counted together.
    pub struct TopicMetricCollector {
        /// Its name; another of the same name is replaced.
        pub name: String,
        /// Whether what it counts is shown to Prometheus.
        pub exports: bool,
        /// The most groups.
        pub maximum_groups: u32,
        /// The topics: a selector.
        pub selector: String,
        /// Whether they are grouped by their type.
        pub by_type: bool,
        /// Whether they are grouped by the topic view that made them.
        pub by_view: bool,
        /// By how many leading parts of their paths they are grouped.
        pub prefix_parts: u32,
    }

    /// Asks what was counted.
    pub struct FetchMetricsRequest {
        /// Names of collections or samples; none means all.
        pub names: Vec<String>,
        /// A regular expression that whole names match; empty means any.
        pub pattern: String,
        /// Whose.
        pub server: MetricsServer,
    }

    /// What was counted, by server.
    pub struct Metrics {
        /// A server's name, and its metrics.
        pub servers: Vec<(String, Vec<MetricCollection>)>,
    }

    /// A metric with its samples.
    pub struct MetricCollection {
        /// Its name.
        pub name: String,
        /// What it is counted in.
        pub unit: String,
        /// What kind of metric.
        pub kind: MetricKind,
        /// The samples.
        pub samples: Vec<MetricSample>,
    }

    /// One number.
    pub struct MetricSample {
        /// The number, a 64-bit floating point one, as its bits.
        pub bits: u64,
        /// When, in milliseconds since 1970; 0 is not said.
        pub timestamp: u64,
        /// The sample's name.
        pub name: String,
        /// Of what: the names of its labels.
        pub label_names: Vec<String>,
        /// The labels' values.
        pub label_values: Vec<String>,
    }
}

wire_union! {
    /// Whose metrics are asked for.
    pub enum MetricsServer("metrics server") {
        /// Of the server that is asked.
        Current = 0,
        /// Of all servers of the cluster.
        All = 1,
        /// Of the server of this name.
        Named(String) = 2,
    }
}

wire_enum! {
    /// What kind of metric it is.
    pub enum MetricKind("metric kind") {
        /// It grows.
        Counter = 0,
        /// It goes up and down.
        Gauge = 1,
        /// Text.
        Info = 2,
        /// How often values were in which range.
        Histogram = 3,
        /// How often values are in which range.
        GaugeHistogram = 4,
        /// Which states hold.
        StateSet = 5,
        /// Quantiles.
        Summary = 6,
        /// Anything.
        Unknown = 7,
    }
}

impl MetricSample {
    /// The number.
    #[must_use]
    pub const fn value(&self) -> f64 {
        f64::from_bits(self.bits)
    }
}
