//! Fetching topics and their values without subscribing.
//!
//! Source: the API documentation of `FetchRequest`.

use core::cmp::Ordering;
use effusion_protocol::body::{
    FetchLimit, FetchRequest, FetchResponse, FetchedSize, FetchedTopic, PathPermission, Properties,
    ResponseBody, TimeSeriesSize,
};
use effusion_protocol::{ProtocolVersion, encode};
use std::collections::HashMap;

use crate::broker::{Broker, Caller};
use crate::dispatch::{Reply, Served};
use crate::topic::Topic;

/// What a topic adds to a response besides its path and its value, roughly.
const OVERHEAD: usize = 16;

/// The order of the topic tree: by the parts of paths, so that what is below a path comes right after it.
fn compare_paths(a: &str, b: &str) -> Ordering {
    a.split('/').cmp(b.split('/'))
}

fn is_in_range(path: &str, from: Option<&FetchLimit>, to: Option<&FetchLimit>) -> bool {
    let inside = |limit: &FetchLimit, outside| match compare_paths(path, &limit.path) {
        Ordering::Equal => limit.inclusive,
        order => order != outside,
    };
    from.is_none_or(|from| inside(from, Ordering::Less))
        && to.is_none_or(|to| inside(to, Ordering::Greater))
}

/// The root of the branch of this depth that a path is in, if it is that deep.
fn deep_branch(path: &str, depth: usize) -> Option<&str> {
    if depth == 0 {
        return Some("");
    }
    match path.match_indices('/').nth(depth - 1) {
        Some((slash, _)) => path.get(..slash),
        None => (path.split('/').count() == depth).then_some(path),
    }
}

impl Broker {
    pub(crate) fn fetch(&mut self, caller: &Caller, request: &FetchRequest) -> Served {
        let selector = self.selector_of(caller, &request.selector)?;
        let session = self.session(caller)?;
        let mut topics: Vec<&Topic> = self
            .tree
            .select(&selector)
            .into_iter()
            .filter(|topic| {
                request.types.contains(topic.specification.topic_type)
                    && is_in_range(&topic.path, request.from.as_ref(), request.to.as_ref())
                    && session.rights.has(PathPermission::SelectTopic, &topic.path)
                    && session.may(
                        PathPermission::ReadTopic,
                        &topic.path,
                        Some(&topic.settings),
                    )
            })
            .collect();
        topics.sort_by(|a, b| compare_paths(&a.path, &b.path));
        let backwards = request.limit < 0;
        if backwards {
            topics.reverse();
        }
        let response = self.collect(&topics, request);
        Ok(Reply::Now(ResponseBody::Fetch(response)))
    }

    /// Takes topics until a limit is reached.
    fn collect(&self, topics: &[&Topic], request: &FetchRequest) -> FetchResponse {
        let limit = usize::try_from(request.limit.unsigned_abs()).unwrap_or(usize::MAX);
        let maximum = usize::try_from(request.maximum_size)
            .unwrap_or(usize::MAX)
            .min(self.config.limits.message_bytes);
        let depth = usize::try_from(request.deep_branch_depth).unwrap_or(usize::MAX);
        let mut in_branch: HashMap<&str, u32> = HashMap::new();
        let mut sets = PropertySets::default();
        let mut response = FetchResponse {
            property_sets: Vec::new(),
            topics: Vec::new(),
            has_more: false,
        };
        let mut size = 0;
        for topic in topics {
            if let Some(branch) = deep_branch(&topic.path, depth) {
                let count = in_branch.entry(branch).or_default();
                if *count >= request.deep_branch_limit {
                    continue;
                }
                *count += 1;
            }
            if response.topics.len() >= limit {
                response.has_more = true;
                break;
            }
            let fetched = fetched(topic, request, &mut sets);
            size += OVERHEAD + fetched.path.len() + fetched.value.as_ref().map_or(0, |it| it.len());
            if size + sets.size > maximum {
                response.has_more = true;
                break;
            }
            response.topics.push(fetched);
        }
        if request.limit < 0 {
            response.topics.reverse();
        }
        response.property_sets = sets.sets;
        response
    }
}

/// Sets of properties, each once: many topics have the same.
#[derive(Default)]
struct PropertySets {
    sets: Vec<Properties>,
    indices: HashMap<Properties, u32>,
    size: usize,
}

impl PropertySets {
    fn index(&mut self, properties: &Properties) -> u32 {
        if let Some(index) = self.indices.get(properties) {
            return *index;
        }
        let index = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        self.size += properties
            .iter()
            .map(|(name, value)| name.len() + value.len() + 4)
            .sum::<usize>();
        self.sets.push(properties.clone());
        self.indices.insert(properties.clone(), index);
        index
    }
}

fn fetched(topic: &Topic, request: &FetchRequest, sets: &mut PropertySets) -> FetchedTopic {
    let events = topic.series.events();
    let value = if topic.settings.series.is_some() {
        events
            .back()
            .map(|event| encode(event, ProtocolVersion::NEWEST))
    } else {
        topic.value.clone()
    };
    let value_size = topic.present_value().map_or(0, |value| value.len() as u64);
    FetchedTopic {
        path: topic.path.to_string(),
        topic_type: topic.specification.topic_type,
        value: value.filter(|_| request.with_values),
        property_set: if request.with_properties {
            sets.index(&topic.specification.properties)
        } else {
            0
        },
        size: if !request.with_sizes {
            FetchedSize::NotAsked
        } else if topic.settings.series.is_some() {
            FetchedSize::TimeSeries(TimeSeriesSize {
                value: value_size,
                events: events.len() as u64,
                total: events.iter().map(|event| event.value.len() as u64).sum(),
            })
        } else {
            FetchedSize::Value(value_size)
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_in_the_order_of_the_tree() {
        let mut paths = ["b", "a-b", "a/c/x", "a", "a/b"];
        paths.sort_by(|a, b| compare_paths(a, b));
        assert_eq!(paths, ["a", "a/b", "a/c/x", "a-b", "b"]);
        let limit = |path: &str, inclusive| FetchLimit {
            path: path.to_owned(),
            inclusive,
        };
        let (from, to) = (limit("a/b", true), limit("b", false));
        let inside: Vec<_> = paths
            .iter()
            .filter(|path| is_in_range(path, Some(&from), Some(&to)))
            .collect();
        assert_eq!(inside, [&"a/b", &"a/c/x", &"a-b"]);
        assert!(!is_in_range("a/b", Some(&limit("a/b", false)), None));
    }

    #[test]
    fn a_branch_is_deep_from_its_depth_on() {
        assert_eq!(deep_branch("x/0", 1), Some("x"));
        assert_eq!(deep_branch("x", 1), Some("x"));
        assert_eq!(deep_branch("x/0", 3), None);
        assert_eq!(deep_branch("x/x/1", 3), Some("x/x/1"));
        assert_eq!(deep_branch("y/y/y/4", 3), Some("y/y/y"));
        assert_eq!(deep_branch("y", 0), Some(""));
    }
}
