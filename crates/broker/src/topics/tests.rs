//! Topics alone: no session, no connection, no store.

use bytes::Bytes;
use effusion_protocol::body::{PathPermission, UpdateConstraint};
use effusion_protocol::value::Value as _;
use effusion_protocol::{
    ErrorReport, SessionId, TopicPath, TopicSpecification, TopicType, property,
};
use std::collections::BTreeSet;

use super::*;
use crate::auth::Rights;
use crate::caller::{Caller, SessionKey};
use crate::{Creator, Role, SecurityStore, StoreOp, Time};

const WRITER: SessionKey = SessionKey(1);
const READER: SessionKey = SessionKey(2);

fn rights(permissions: &[PathPermission]) -> Arc<Rights> {
    let role = Role {
        default_path: permissions.iter().copied().collect(),
        ..Role::default()
    };
    let store = SecurityStore {
        roles: [("R".to_owned(), role)].into(),
        ..SecurityStore::default()
    };
    Arc::new(Rights::of(&store, &BTreeSet::from(["R".to_owned()])))
}

fn actor() -> Actor {
    Actor {
        session: Some(WRITER),
        principal: Some("ann".to_owned()),
        rights: rights(&[PathPermission::ModifyTopic, PathPermission::UpdateTopic]),
        creator: Creator {
            session: SessionId {
                server: 1,
                local: WRITER.0,
            }
            .to_string(),
            ..Creator::default()
        },
    }
}

fn submit(topics: &mut Topics, path: &str, op: TopicOp) -> bool {
    let queued = Queued {
        reply_to: ReplyTo::Nobody,
        actor: actor(),
        op,
    };
    topics.submit(TopicPath::new(path).unwrap().as_str(), queued)
}

fn next_batch(topics: &mut Topics, path: &str) -> Option<Batch> {
    let context = Context {
        wall_ms: 0,
        rights: &mut |_| None,
        holds_lock: &|_, _, _| false,
    };
    topics.next_batch(path, context, &mut usize::MAX.clone())
}

/// Makes all changes of a path as if they were stored at once; returns what came of each, and what is to be delivered.
fn make(topics: &mut Topics, path: &str) -> (Vec<Result<Outcome, ErrorReport>>, Vec<Applied>) {
    let (mut results, mut applied) = (Vec::new(), Vec::new());
    while let Some(batch) = next_batch(topics, path) {
        for step in batch.steps {
            for change in step.changes {
                applied.push(topics.apply(path, change, 0));
            }
            results.push(step.result);
        }
        topics.batch_done(path);
    }
    (results, applied)
}

fn number(value: i64) -> Bytes {
    value.to_bytes()
}

fn set(value: i64) -> TopicOp {
    TopicOp::Set {
        topic_type: TopicType::Int64,
        value: number(value),
        constraint: UpdateConstraint::Unconstrained,
    }
}

fn series(retained: &str) -> TopicSpecification {
    TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "int64")
        .with(property::TIME_SERIES_RETAINED_RANGE, retained)
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, "limit 100")
}

fn append(value: i64) -> TopicOp {
    TopicOp::Append {
        value_type: "int64".to_owned(),
        value: number(value),
        timestamp: None,
    }
}

fn topics_with(path: &str, specification: TopicSpecification) -> (Topics, TopicId) {
    let mut topics = Topics::new(Limits::default(), true);
    assert!(submit(&mut topics, path, TopicOp::Add(specification)));
    let (results, applied) = make(&mut topics, path);
    assert_eq!(results, [Ok(Outcome::Added(true))]);
    assert!(matches!(applied.as_slice(), [Applied::Added(_)]));
    let id = topics.tree().at(path).unwrap().id();
    (topics, id)
}

#[test]
fn what_is_not_stored_has_not_happened() {
    let (mut topics, _) = topics_with("n", TopicSpecification::new(TopicType::Int64));
    assert!(submit(&mut topics, "n", set(1)));
    let batch = next_batch(&mut topics, "n").unwrap();
    let [StoreOp::PutValue { path, value }] = batch.operations.as_slice() else {
        panic!("{:?}", batch.operations);
    };
    assert_eq!((path.as_str(), value), ("n", &number(1)));
    assert_eq!(topics.tree().at("n").unwrap().value(), None);
    // While it waits for the store, others queue up. It could not be stored.
    assert!(!submit(&mut topics, "n", set(2)));
    assert!(!submit(&mut topics, "n", set(3)));
    topics.batch_done("n");
    let (results, _) = make(&mut topics, "n");
    assert_eq!(results, [Ok(Outcome::Done), Ok(Outcome::Done)]);
    assert_eq!(topics.tree().at("n").unwrap().value(), Some(&number(3)));
    assert_eq!(
        topics.changing_paths(core::ops::Bound::Unbounded).count(),
        0
    );
}

#[test]
fn no_more_is_worked_out_together_than_there_are_steps_for() {
    let (mut topics, _) = topics_with("n", TopicSpecification::new(TopicType::Int64));
    for value in 0..3 {
        let _ = submit(&mut topics, "n", set(value));
    }
    for done in [2, 1] {
        let context = Context {
            wall_ms: 0,
            rights: &mut |_| None,
            holds_lock: &|_, _, _| false,
        };
        let batch = topics.next_batch("n", context, &mut 10).unwrap();
        assert_eq!(batch.steps.len(), done);
        topics.batch_done("n");
    }
    assert!(next_batch(&mut topics, "n").is_none());
}

#[test]
fn without_a_store_nothing_waits() {
    let mut topics = Topics::new(Limits::default(), false);
    let specification = TopicSpecification::new(TopicType::Int64);
    assert!(submit(&mut topics, "n", TopicOp::Add(specification)));
    assert!(next_batch(&mut topics, "n").unwrap().operations.is_empty());
}

#[test]
fn the_rights_that_count_are_those_of_the_moment() {
    let (mut topics, _) = topics_with("n", TopicSpecification::new(TopicType::Int64));
    assert!(submit(&mut topics, "n", set(1)));
    let context = Context {
        wall_ms: 0,
        rights: &mut |actor| (actor.session == Some(WRITER)).then(|| rights(&[])),
        holds_lock: &|_, _, _| false,
    };
    let batch = topics
        .next_batch("n", context, &mut usize::MAX.clone())
        .unwrap();
    assert!(batch.steps.iter().all(|step| step.result.is_err()));
    assert!(batch.operations.is_empty());
}

#[test]
fn a_subscriber_gets_updates_and_first_the_value() {
    let (mut topics, id) = topics_with("n", TopicSpecification::new(TopicType::Int64));
    let _ = submit(&mut topics, "n", set(1));
    let (_, applied) = make(&mut topics, "n");
    assert!(matches!(applied.as_slice(), [Applied::Silent]));
    assert!(topics.subscribe(id, READER));
    assert!(!topics.subscribe(id, READER));
    let Next::Messages(first) = topics.next_messages(id, Progress::NotStarted, false, 9, 0) else {
        panic!();
    };
    assert!(first.notification.is_some() && first.progress.is_none());
    assert_eq!(first.updates.len(), 1);
    let _ = submit(&mut topics, "n", set(2));
    let (_, applied) = make(&mut topics, "n");
    let [Applied::Updated(delivery)] = applied.as_slice() else {
        panic!("{applied:?}");
    };
    assert_eq!(delivery.topic, id);
    assert_eq!(topics.subscribers(id), &BTreeSet::from([READER]));
    assert!(topics.unsubscribe(id, READER).is_some());
    assert!(topics.subscribers(id).is_empty());
    assert!(matches!(
        topics.next_messages(TopicId(99), Progress::NotStarted, false, 9, 0),
        Next::Gone
    ));
}

#[test]
fn a_series_is_told_in_pieces_and_a_gap_is_noticed() {
    let (mut topics, id) = topics_with("s", series("limit 5"));
    for value in 0..5 {
        let _ = submit(&mut topics, "s", append(value));
    }
    make(&mut topics, "s");
    let mut next = |progress, most| match topics.next_messages(id, progress, false, most, 1_000) {
        Next::Messages(messages) => (messages.updates.len(), messages.progress),
        other => panic!("{other:?}"),
    };
    assert_eq!(next(Progress::NotStarted, 9), (0, Some(Progress::Begun(0))));
    assert_eq!(next(Progress::Begun(0), 2), (2, Some(Progress::Next(2))));
    assert_eq!(next(Progress::Next(2), 9), (3, None));
    // The names of authors take room, too: "ann" and a byte, twice.
    let begun = topics.next_messages(id, Progress::Begun(0), false, 9, 4);
    let Next::Messages(begun) = begun else {
        panic!("{begun:?}");
    };
    assert_eq!(begun.updates.len(), 2);
    for value in 5..9 {
        let _ = submit(&mut topics, "s", append(value));
    }
    make(&mut topics, "s");
    let gap = topics.next_messages(id, Progress::Next(2), false, 9, 1_000);
    assert!(matches!(gap, Next::Gap));
}

#[test]
fn a_policy_removes_the_topics_of_a_session_that_is_gone() {
    let policy = "when this session closes";
    let specification = TopicSpecification::new(TopicType::Int64).with(property::REMOVAL, policy);
    let (mut topics, id) = topics_with("n", specification);
    let due = topics.next_timeout().unwrap();
    let sweep = |topics: &mut Topics, is_open: bool| {
        assert!(topics.begin_sweep(due));
        let sessions = SessionView {
            count: 1,
            may_view: &mut |_| false,
            any: &|creator, filter| {
                assert_eq!(creator, &actor().creator);
                filter.is_none() && is_open
            },
        };
        let ids = topics.sweep(Time::default(), sessions);
        topics.end_sweep(0);
        ids
    };
    assert!(!topics.begin_sweep(due - 1));
    assert_eq!(sweep(&mut topics, true), []);
    assert_eq!(sweep(&mut topics, false), [id]);
    let queued = Queued {
        reply_to: ReplyTo::Nobody,
        actor: topics.remover(id, |_| Arc::default()).unwrap(),
        op: TopicOp::Expire,
    };
    assert!(topics.submit("n", queued));
    let (_, applied) = make(&mut topics, "n");
    assert!(matches!(applied.as_slice(), [Applied::Removed(_)]));
    topics.begin_sweep(due);
    topics.end_sweep(due);
    assert_eq!(topics.next_timeout(), None, "no policy is left");
}

#[test]
fn a_removal_of_several_topics_is_over_with_the_last_of_them() {
    let mut topics = Topics::new(Limits::default(), true);
    let caller = Caller::test(WRITER, 7);
    let group = topics.open_removal(caller.clone());
    topics.expect_removals(group, 2);
    assert_eq!(topics.removal_done(group, Ok(true)), None);
    let denied = errors::denied(PathPermission::ModifyTopic, "a");
    assert_eq!(topics.removal_done(group, Err(denied)), None);
    let done = topics.removal_done(group, Ok(false));
    assert_eq!(done, Some((caller, Ok(1))));
    assert_eq!(topics.removal_done(group, Ok(true)), None);
}
