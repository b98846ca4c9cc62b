//! Fetching topics and their values without subscribing.
//!
//! Source: the API documentation of `FetchRequest`.

use core::cmp::Ordering;
use effusion_protocol::body::{
    FetchLimit, FetchRequest, FetchResponse, FetchedSize, FetchedTopic, Properties, ResponseBody,
    TimeSeriesSize,
};
use effusion_protocol::{ErrorReason, ErrorReport, ProtocolVersion, encode};
use std::collections::HashMap;
use std::sync::Arc;

use crate::broker::Broker;
use crate::broker::jobs::{Slice, Task};
use crate::caller::Caller;
use crate::errors;
use crate::services::dispatch::{Reply, Served};
use crate::sessions::Standing;
use crate::topics::{BYTES_A_STEP, Halt, Onward, Selector, Topic, Walk, compare_paths};

/// What a topic adds to a response besides its path and its value, roughly.
const OVERHEAD: usize = 16;

/// Whether a path is beyond where a fetch ends in the direction in which it goes.
fn is_beyond(path: &str, end: Option<&FetchLimit>, outside: Ordering) -> bool {
    end.is_some_and(|end| match compare_paths(path, &end.path) {
        Ordering::Equal => !end.inclusive,
        order => order == outside,
    })
}

/// The length of the root of the branch of this depth that a path is in, if it is that deep.
fn deep_branch(path: &str, depth: usize) -> Option<usize> {
    if depth == 0 {
        return Some(0);
    }
    match path.match_indices('/').nth(depth - 1) {
        Some((slash, _)) => Some(slash),
        None => (path.split('/').count() == depth).then_some(path.len()),
    }
}

/// A fetch that is under way.
#[derive(Debug)]
pub(crate) struct Fetching {
    /// What the caller may see is decided by this: if it changes, all that was fetched may be hidden.
    standing: Standing,
    request: FetchRequest,
    selector: Arc<Selector>,
    walk: Walk,
    /// The deep branch that the walk is in, and how many topics were taken of it.
    branch: (String, u32),
    sets: PropertySets,
    response: FetchResponse,
    size: usize,
    /// The first topic and what it takes, if that alone is more than the result may be.
    too_large: Option<(String, usize)>,
}

impl Fetching {
    /// About how many bytes of memory the result takes.
    pub(crate) fn memory(&self) -> usize {
        self.size + self.sets.size + size_of_val(self.response.topics.as_slice())
    }
}

impl Broker {
    pub(crate) fn fetch(&mut self, caller: &Caller, request: FetchRequest) -> Served {
        let fetching = self.start_fetch(caller, request)?;
        self.begin(caller, Task::Fetch(Box::new(fetching)))
    }

    fn start_fetch(
        &mut self,
        caller: &Caller,
        request: FetchRequest,
    ) -> Result<Fetching, ErrorReport> {
        let selector = self.selector_of(caller, &request.selector)?;
        let is_backwards = request.limit < 0;
        let mut walk = Walk::new(&selector, is_backwards);
        let start = if is_backwards {
            &request.to
        } else {
            &request.from
        };
        if let Some(start) = start {
            walk.start_at(&start.path, start.inclusive);
        }
        Ok(Fetching {
            standing: self.session(caller)?.standing(),
            request,
            selector,
            walk,
            branch: (String::new(), 0),
            sets: PropertySets::default(),
            response: FetchResponse {
                property_sets: Vec::new(),
                topics: Vec::new(),
                has_more: false,
            },
            size: 0,
            too_large: None,
        })
    }

    /// Takes topics until a limit is reached.
    pub(crate) fn fetch_on(
        &mut self,
        caller: &Caller,
        mut fetching: Box<Fetching>,
        steps: &mut usize,
    ) -> Slice {
        let session = match self.session(caller) {
            Ok(session) => session,
            Err(report) => return Slice::Done(Err(report)),
        };
        if session.standing() != fetching.standing {
            return match self.start_fetch(caller, fetching.request) {
                Ok(anew) => Slice::Again(Task::Fetch(Box::new(anew))),
                Err(report) => Slice::Done(Err(report)),
            };
        }
        let Fetching {
            standing: _,
            request,
            selector,
            walk,
            branch,
            sets,
            response,
            size,
            too_large,
        } = &mut *fetching;
        let limit = usize::try_from(request.limit.unsigned_abs()).unwrap_or(usize::MAX);
        let maximum = usize::try_from(request.maximum_size)
            .unwrap_or(usize::MAX)
            .min(self.config.limits.message_bytes);
        let depth = usize::try_from(request.deep_branch_depth).unwrap_or(usize::MAX);
        let is_backwards = request.limit < 0;
        let (end, outside) = if is_backwards {
            (request.from.as_ref(), Ordering::Less)
        } else {
            (request.to.as_ref(), Ordering::Greater)
        };
        let mut left = *steps;
        let halt = self.topics.tree().walk(walk, selector, steps, |topic| {
            if left == 0 {
                return Onward::StopBefore;
            }
            if is_beyond(topic.path(), end, outside) {
                return Onward::StopBefore;
            }
            let is_wanted =
                request.types.contains(topic.specification().topic_type) && session.sees(topic);
            if !is_wanted {
                return Onward::Next;
            }
            if let Some(length) = deep_branch(topic.path(), depth) {
                let root = topic.path().get(..length).unwrap_or_default();
                if branch.0 != root {
                    *branch = (root.to_owned(), 0);
                }
                if branch.1 >= request.deep_branch_limit {
                    if length == 0 {
                        return Onward::StopBefore;
                    }
                    return Onward::PastBranch(length);
                }
                branch.1 += 1;
            }
            if response.topics.len() >= limit {
                response.has_more = true;
                return Onward::StopBefore;
            }
            if request.with_properties {
                let properties = topic.specification().properties.iter();
                let bytes: usize = properties.map(|it| it.0.len() + it.1.len()).sum();
                left = left.saturating_sub(bytes / BYTES_A_STEP);
            }
            let fetched = fetched(topic, request, sets);
            let value = fetched.value.as_ref().map_or(0, |it| it.len());
            if topic.settings().series.is_some() {
                // The event is written anew; other values are shared.
                left = left.saturating_sub(value / BYTES_A_STEP);
            }
            *size += OVERHEAD + fetched.path.len() + value;
            if *size + sets.size > maximum {
                response.has_more = true;
                if response.topics.is_empty() {
                    *too_large = Some((fetched.path, *size + sets.size));
                }
                return Onward::StopBefore;
            }
            response.topics.push(fetched);
            Onward::Next
        });
        if halt == Halt::Pause || left == 0 && halt == Halt::Stopped {
            return Slice::Again(Task::Fetch(fetching));
        }
        // An empty result that says there is more would be asked for again and again.
        if let Some((path, size)) = fetching.too_large {
            let report = errors::error(
                ErrorReason::RejectedRequest,
                format!("The topic at '{path}' takes {size} bytes, and a result at most {maximum}"),
            );
            return Slice::Done(Err(report));
        }
        let mut response = fetching.response;
        if is_backwards {
            response.topics.reverse();
        }
        response.property_sets = fetching.sets.sets;
        Slice::Done(Ok(Reply::Now(ResponseBody::Fetch(response))))
    }
}

/// Sets of properties, each once: many topics have the same.
#[derive(Debug, Default)]
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
    let events = topic.series().events();
    let value = if !request.with_values {
        None
    } else if topic.settings().series.is_some() {
        events
            .back()
            .map(|event| encode(event, ProtocolVersion::NEWEST))
    } else {
        topic.value().cloned()
    };
    let value_size = topic.present_value().map_or(0, |value| value.len() as u64);
    FetchedTopic {
        path: topic.path().to_string(),
        topic_type: topic.specification().topic_type,
        value,
        property_set: if request.with_properties {
            sets.index(&topic.specification().properties)
        } else {
            0
        },
        size: if !request.with_sizes {
            FetchedSize::NotAsked
        } else if topic.present_value().is_none() {
            // No value is no value of no size: the other form counts one.
            FetchedSize::TimeSeries(TimeSeriesSize {
                value: 0,
                events: 0,
                total: 0,
            })
        } else if topic.settings().series.is_some() {
            FetchedSize::TimeSeries(TimeSeriesSize {
                value: value_size,
                events: events.len() as u64,
                total: topic.series().value_bytes() as u64,
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
        let beyond = |path, limit| is_beyond(path, Some(&limit), Ordering::Greater);
        assert!(!beyond("a-b", limit("b", false)));
        assert!(beyond("b", limit("b", false)));
        assert!(!beyond("b", limit("b", true)));
        assert!(beyond("b/c", limit("b", true)));
        assert!(is_beyond("a", Some(&limit("a/b", true)), Ordering::Less));
        assert!(!is_beyond("a", None, Ordering::Less));
    }

    #[test]
    fn a_branch_is_deep_from_its_depth_on() {
        assert_eq!(deep_branch("x/0", 1), Some(1));
        assert_eq!(deep_branch("x", 1), Some(1));
        assert_eq!(deep_branch("x/0", 3), None);
        assert_eq!(deep_branch("x/x/1", 3), Some(5));
        assert_eq!(deep_branch("y/y/y/4", 3), Some(5));
        assert_eq!(deep_branch("y", 0), Some(0));
    }
}
