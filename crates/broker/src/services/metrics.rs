//! Metrics: what the service counts, for all sessions and topics, and for those that collectors select.
//!
//! Source: the API documentation of `Metrics`. The names of most metrics are this service's own. Collectors are kept as
//! long as the service runs.

use effusion_protocol::WholePattern;
use effusion_protocol::body::{
    FetchMetricsRequest, GlobalPermission, MetricCollection, MetricKind, MetricSample, Metrics,
    MetricsServer, ResponseBody, SessionMetricCollector, TopicMetricCollector,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::broker::Broker;
use crate::broker::jobs::{Slice, Task};
use crate::caller::{Caller, SessionKey};
use crate::services::dispatch::{Reply, Served};
use crate::sessions::filter::{Filter, Properties as _};
use crate::topics::{BYTES_A_STEP, Halt, Onward, Selector, Walk};
use crate::{Time, errors};

/// The most collectors of each kind.
const MAX_COLLECTORS: usize = 100;
/// The most groups of a collector, whatever it asks for.
const MAX_GROUPS: usize = 1_000;
/// The most groups of all collectors in one answer.
const MAX_ANSWER: usize = 10_000;
/// The most properties that a collector groups by.
const MAX_GROUP_BY: usize = 32;
/// Bytes that the names and values of a collector's groups take.
const MAX_GROUP_BYTES: usize = 128 * 1024;
/// What a group takes besides those.
const GROUP_OVERHEAD: usize = 64;

/// The collectors, and what cannot be counted when somebody asks.
#[derive(Debug, Default)]
pub(crate) struct Collectors {
    sessions: BTreeMap<String, SessionCollector>,
    topics: BTreeMap<String, TopicCollector>,
    /// When the service started, by the monotonic clock.
    started: u64,
}

impl Collectors {
    /// Nothing is counted yet.
    pub(crate) fn new(now: Time) -> Self {
        Self {
            started: now.monotonic_ms,
            ..Self::default()
        }
    }
}

/// What a collector counts.
#[derive(Debug, Default)]
struct Groups {
    /// The values of what it groups by, and how many of each kind of thing are in the group.
    counts: BTreeMap<Vec<String>, [usize; 2]>,
    /// How many there may be.
    most: usize,
    /// Bytes that further ones may take, and those that each takes besides its values.
    bytes: usize,
    each: usize,
}

impl Groups {
    /// No groups yet, of a collector of this name that groups by these.
    fn new(name: &str, labels: &[String], most: u32, left: usize) -> Self {
        let labels: usize = labels.iter().map(String::len).sum();
        Self {
            counts: BTreeMap::new(),
            most: usize::try_from(most)
                .unwrap_or(MAX_GROUPS)
                .min(MAX_GROUPS)
                .min(left),
            bytes: MAX_GROUP_BYTES,
            each: GROUP_OVERHEAD + name.len() + labels,
        }
    }

    /// Counts into a group, unless there are as many as there may be, or they take as much.
    fn count(&mut self, group: Vec<String>, numbers: [usize; 2]) {
        if !self.counts.contains_key(&group) {
            let bytes = self.each + group.iter().map(String::len).sum::<usize>();
            if self.counts.len() >= self.most || bytes > self.bytes {
                return;
            }
            self.bytes -= bytes;
        }
        let entry = self.counts.entry(group).or_default();
        for (sum, number) in entry.iter_mut().zip(numbers) {
            *sum += number;
        }
    }
}

/// What collectors of sessions count, and those of topics, each with its unit.
const SESSION_COLLECTIONS: [&str; 2] = [
    "diffusion_session_collector_open",
    "diffusion_session_collector_connected",
];
const TOPIC_COLLECTIONS: [(&str, &str); 2] = [
    ("diffusion_topic_collector_topics", "topics"),
    ("diffusion_topic_collector_subscriptions", "subscriptions"),
];

/// Metrics that are being counted.
#[derive(Debug)]
pub(crate) struct Measuring {
    /// Which metrics are asked for: by name, and by pattern.
    names: BTreeSet<String>,
    pattern: Option<WholePattern>,
    metrics: Vec<MetricCollection>,
    session_collections: [MetricCollection; 2],
    topic_collections: [MetricCollection; 2],
    /// The collectors that have not counted yet, and what the first of them has counted so far.
    sessions: VecDeque<String>,
    topics: VecDeque<String>,
    groups: Option<Groups>,
    /// How many groups there may still be.
    left: usize,
    /// Where that one goes on.
    next: SessionKey,
    walk: Option<Walk>,
}

#[derive(Debug)]
struct SessionCollector {
    definition: SessionMetricCollector,
    filter: Filter,
    /// Groups that were told of, and stay if they are not to be removed.
    told: BTreeSet<Vec<String>>,
}

#[derive(Debug)]
struct TopicCollector {
    definition: TopicMetricCollector,
    selector: Arc<Selector>,
}

fn check_name(
    name: &str,
    count: usize,
    maximum_groups: u32,
) -> Result<(), effusion_protocol::ErrorReport> {
    if name.is_empty() {
        Err(errors::invalid_data("A metric collector needs a name"))
    } else if maximum_groups == 0 {
        Err(errors::invalid_data(
            "A metric collector needs at least one group",
        ))
    } else if count >= MAX_COLLECTORS {
        Err(errors::too_many("metric collectors"))
    } else {
        Ok(())
    }
}

impl Broker {
    pub(crate) fn put_session_collector(
        &mut self,
        caller: &Caller,
        definition: SessionMetricCollector,
    ) -> Served {
        self.check_global(caller, GlobalPermission::ControlServer)?;
        if definition.group_by.len() > MAX_GROUP_BY {
            return Err(errors::invalid_data(format_args!(
                "A metric collector cannot group by more than {MAX_GROUP_BY} properties"
            )));
        }
        // Its filter and its groups tell of the properties of sessions.
        self.check_global(caller, GlobalPermission::ViewSession)?;
        let name = definition.name.clone();
        let others = &self.collectors.sessions;
        let others = others.len() - usize::from(others.contains_key(&name));
        check_name(&name, others, definition.maximum_groups)?;
        let mistakes = match Filter::parse(&definition.filter) {
            Err(mistake) => vec![mistake.report()],
            Ok(filter) => {
                let collector = SessionCollector {
                    definition,
                    filter,
                    told: BTreeSet::new(),
                };
                self.collectors.sessions.insert(name, collector);
                Vec::new()
            }
        };
        Ok(Reply::Now(ResponseBody::PutSessionMetricCollector(
            mistakes,
        )))
    }

    pub(crate) fn remove_session_collector(&mut self, caller: &Caller, name: &str) -> Served {
        self.check_global(caller, GlobalPermission::ControlServer)?;
        self.collectors.sessions.remove(name);
        Ok(Reply::Now(ResponseBody::RemoveSessionMetricCollector(())))
    }

    pub(crate) fn list_session_collectors(&mut self, caller: &Caller) -> Served {
        self.check_global(caller, GlobalPermission::ViewServer)?;
        let all = self.collectors.sessions.values();
        let list = all.map(|it| it.definition.clone()).collect();
        Ok(Reply::Now(ResponseBody::ListSessionMetricCollectors(list)))
    }

    pub(crate) fn put_topic_collector(
        &mut self,
        caller: &Caller,
        definition: TopicMetricCollector,
    ) -> Served {
        self.check_global(caller, GlobalPermission::ControlServer)?;
        let name = definition.name.clone();
        let selector = self.topics.selector(&definition.selector)?;
        let others = &self.collectors.topics;
        let others = others.len() - usize::from(others.contains_key(&name));
        check_name(&name, others, definition.maximum_groups)?;
        let collector = TopicCollector {
            definition,
            selector,
        };
        self.collectors.topics.insert(name, collector);
        Ok(Reply::Now(ResponseBody::PutTopicMetricCollector(())))
    }

    pub(crate) fn remove_topic_collector(&mut self, caller: &Caller, name: &str) -> Served {
        self.check_global(caller, GlobalPermission::ControlServer)?;
        self.collectors.topics.remove(name);
        Ok(Reply::Now(ResponseBody::RemoveTopicMetricCollector(())))
    }

    pub(crate) fn list_topic_collectors(&mut self, caller: &Caller) -> Served {
        self.check_global(caller, GlobalPermission::ViewServer)?;
        let all = self.collectors.topics.values();
        let list = all.map(|it| it.definition.clone()).collect();
        Ok(Reply::Now(ResponseBody::ListTopicMetricCollectors(list)))
    }

    pub(crate) fn fetch_metrics(
        &mut self,
        caller: &Caller,
        request: &FetchMetricsRequest,
    ) -> Served {
        self.check_global(caller, GlobalPermission::ViewServer)?;
        let own = &self.config.server_name;
        if let MetricsServer::Named(name) = &request.server
            && name != own
        {
            return Err(errors::invalid_data(format_args!(
                "There is no server named '{name}'"
            )));
        }
        let pattern = if request.pattern.is_empty() {
            None
        } else {
            let pattern = WholePattern::compile(&request.pattern);
            Some(pattern.map_err(|reason| {
                errors::invalid_data(format_args!(
                    "The filter is no regular expression that can be used here: {reason}"
                ))
            })?)
        };
        let measuring = Measuring {
            names: request.names.iter().cloned().collect(),
            pattern,
            metrics: self.metrics(),
            session_collections: SESSION_COLLECTIONS.map(|name| empty(name, "sessions")),
            topic_collections: TOPIC_COLLECTIONS.map(|(name, unit)| empty(name, unit)),
            sessions: self.collectors.sessions.keys().cloned().collect(),
            topics: self.collectors.topics.keys().cloned().collect(),
            groups: None,
            left: MAX_ANSWER,
            next: SessionKey(0),
            walk: None,
        };
        self.begin(caller, Task::Measure(Box::new(measuring)))
    }

    /// Counts some of what collectors select.
    pub(crate) fn measure_on(
        &mut self,
        caller: &Caller,
        mut measuring: Box<Measuring>,
        steps: &mut usize,
    ) -> Slice {
        // The right to it may be gone by now.
        if let Err(report) = self.check_global(caller, GlobalPermission::ViewServer) {
            return Slice::Done(Err(report));
        }
        if !(self.count_sessions(&mut measuring, steps)
            && self.count_topics(caller, &mut measuring, steps))
        {
            return Slice::Again(Task::Measure(measuring));
        }
        let may_view = self
            .check_global(caller, GlobalPermission::ViewSession)
            .is_ok();
        let Measuring {
            names,
            pattern,
            metrics: mut collections,
            session_collections,
            topic_collections,
            ..
        } = *measuring;
        if may_view {
            collections.extend(session_collections);
        }
        collections.extend(topic_collections);
        let is_wanted = |name: &str| {
            let named = names.contains(name);
            let matched = pattern.as_ref().is_some_and(|it| it.is_match(name));
            named || matched || (names.is_empty() && pattern.is_none())
        };
        collections.retain_mut(|collection| {
            if !is_wanted(&collection.name) {
                collection.samples.retain(|sample| is_wanted(&sample.name));
            }
            !collection.samples.is_empty()
        });
        let server = self.config.server_name.clone();
        Slice::Done(Ok(Reply::Now(ResponseBody::FetchMetrics(Metrics {
            servers: vec![(server, collections)],
        }))))
    }

    /// Counts sessions for the collectors that are left; whether it has counted all.
    fn count_sessions(&mut self, measuring: &mut Measuring, steps: &mut usize) -> bool {
        while let Some(name) = measuring.sessions.front() {
            // It may be gone meanwhile.
            if let Some(collector) = self.collectors.sessions.get_mut(name) {
                let definition = &collector.definition;
                let labels = &definition.group_by;
                let groups = measuring.groups.get_or_insert_with(|| {
                    let most = definition.maximum_groups;
                    let mut groups = Groups::new(name, labels, most, measuring.left);
                    for told in &collector.told {
                        groups.count(told.clone(), [0, 0]);
                    }
                    groups
                });
                let cost = 1 + collector.filter.steps() + labels.len();
                for session in self
                    .sessions
                    .between(measuring.next, self.sessions.last_key())
                {
                    if *steps == 0 {
                        measuring.next = session.key();
                        return false;
                    }
                    *steps = steps.saturating_sub(cost);
                    if !collector.filter.matches(session) {
                        continue;
                    }
                    let group: Vec<String> = labels
                        .iter()
                        .map(|key| session.property(key).unwrap_or_default().to_owned())
                        .collect();
                    let bytes: usize = group.iter().map(String::len).sum();
                    *steps = steps.saturating_sub(bytes / BYTES_A_STEP);
                    let numbers = [1, usize::from(session.connection().is_some())];
                    groups.count(group, numbers);
                }
                *steps = steps.saturating_sub(groups.counts.len());
                measuring.left -= groups.counts.len();
                if !definition.removes_unmatched {
                    collector.told = groups.counts.keys().cloned().collect();
                }
                add_samples(&mut measuring.session_collections, name, labels, groups);
            }
            measuring.groups = None;
            measuring.next = SessionKey(0);
            measuring.sessions.pop_front();
        }
        true
    }

    /// Counts topics that the caller may see for the collectors that are left; whether it has counted all.
    fn count_topics(&self, caller: &Caller, measuring: &mut Measuring, steps: &mut usize) -> bool {
        let viewer = self.sessions.get(caller.session);
        while let Some(name) = measuring.topics.front() {
            if let Some(TopicCollector {
                definition,
                selector,
            }) = self.collectors.topics.get(name)
            {
                let prefix_parts = usize::try_from(definition.prefix_parts).unwrap_or(usize::MAX);
                let by_type = definition.by_type.then(|| "topic_type".to_owned());
                let by_prefix = (prefix_parts > 0).then(|| "path_prefix".to_owned());
                let labels: Vec<String> = by_type.into_iter().chain(by_prefix).collect();
                let (most, left) = (definition.maximum_groups, measuring.left);
                let groups = measuring
                    .groups
                    .get_or_insert_with(|| Groups::new(name, &labels, most, left));
                let walk = measuring
                    .walk
                    .get_or_insert_with(|| Walk::new(selector, false));
                let tree = self.topics.tree();
                let halt = tree.walk(walk, selector, steps, |topic| {
                    if !viewer.is_some_and(|it| it.sees(topic)) {
                        return Onward::Next;
                    }
                    let mut group = Vec::new();
                    if definition.by_type {
                        group.push(format!("{:?}", topic.specification().topic_type));
                    }
                    if prefix_parts > 0 {
                        let parts: Vec<&str> = topic.path().split('/').take(prefix_parts).collect();
                        group.push(parts.join("/"));
                    }
                    groups.count(group, [1, topic.subscribers().len()]);
                    Onward::Next
                });
                if halt != Halt::End {
                    return false;
                }
                *steps = steps.saturating_sub(groups.counts.len());
                measuring.left -= groups.counts.len();
                add_samples(&mut measuring.topic_collections, name, &labels, groups);
            }
            measuring.groups = None;
            measuring.walk = None;
            measuring.topics.pop_front();
        }
        true
    }

    /// What is counted without collectors.
    fn metrics(&self) -> Vec<MetricCollection> {
        let connected = self.sessions.iter().filter(|it| it.connection().is_some());
        let connected = connected.count();
        let subscriptions: usize = self
            .sessions
            .iter()
            .map(|it| it.subscriptions().len())
            .sum();
        let (inbound, outbound) = self.sessions.traffic();
        let uptime = self
            .now
            .monotonic_ms
            .saturating_sub(self.collectors.started);
        let uptime = usize::try_from(uptime).unwrap_or(usize::MAX);
        vec![
            gauge("diffusion_sessions_open", "sessions", self.sessions.len()),
            gauge("diffusion_sessions_connected", "sessions", connected),
            counter(
                "diffusion_sessions_opened",
                "sessions",
                self.sessions.opened(),
            ),
            counter("diffusion_inbound_messages", "messages", inbound.messages()),
            counter("diffusion_inbound_bytes", "bytes", inbound.bytes()),
            counter(
                "diffusion_outbound_messages",
                "messages",
                outbound.messages(),
            ),
            counter("diffusion_outbound_bytes", "bytes", outbound.bytes()),
            gauge("diffusion_topics", "topics", self.topics.tree().len()),
            // By the vendor's names, as far as they are known.
            counter("diffusion_network_inbound_bytes", "bytes", inbound.bytes()),
            counter(
                "diffusion_network_outbound_bytes",
                "bytes",
                outbound.bytes(),
            ),
            gauge(
                "diffusion_server_number_of_topics",
                "topics",
                self.topics.tree().len(),
            ),
            gauge(
                "diffusion_server_session_locks",
                "locks",
                self.messaging.locks().len(),
            ),
            gauge("diffusion_server_uptime_millis", "milliseconds", uptime),
            release(),
            gauge("diffusion_subscriptions", "subscriptions", subscriptions),
        ]
    }
}

fn empty(name: &str, unit: &str) -> MetricCollection {
    MetricCollection {
        name: name.to_owned(),
        unit: unit.to_owned(),
        kind: MetricKind::Gauge,
        samples: Vec::new(),
    }
}

fn gauge(name: &str, unit: &str, value: usize) -> MetricCollection {
    MetricCollection {
        samples: vec![sample(name.to_owned(), value as u64)],
        ..empty(name, unit)
    }
}

/// Which version of the service this is, as a label.
fn release() -> MetricCollection {
    let mut release = gauge("diffusion_release", "", 1);
    for sample in &mut release.samples {
        sample.label_names = vec!["version".to_owned()];
        sample.label_values = vec![env!("CARGO_PKG_VERSION").to_owned()];
    }
    release
}

/// As OpenMetrics has it, the sample of a counter ends in `_total`.
fn counter(name: &str, unit: &str, value: u64) -> MetricCollection {
    MetricCollection {
        kind: MetricKind::Counter,
        samples: vec![sample(format!("{name}_total"), value)],
        ..empty(name, unit)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "metrics are floating point numbers, and these are small"
)]
fn sample(name: String, value: u64) -> MetricSample {
    MetricSample {
        bits: (value as f64).to_bits(),
        timestamp: 0,
        name,
        label_names: Vec::new(),
        label_values: Vec::new(),
    }
}

/// Adds what a collector counted: for each group, one sample to each collection.
fn add_samples(
    collections: &mut [MetricCollection; 2],
    collector: &str,
    labels: &[String],
    groups: &Groups,
) {
    for (group, numbers) in &groups.counts {
        for (collection, number) in collections.iter_mut().zip(numbers) {
            let mut sample = sample(collection.name.clone(), *number as u64);
            sample.label_names = ["collector".to_owned()]
                .into_iter()
                .chain(labels.iter().cloned())
                .collect();
            sample.label_values = [collector.to_owned()]
                .into_iter()
                .chain(group.iter().cloned())
                .collect();
            collection.samples.push(sample);
        }
    }
}
