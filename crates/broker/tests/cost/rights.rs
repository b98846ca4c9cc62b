//! Rights that change while something takes long.

use super::{crowded, fetch, filled, full_of_sessions, read_on};
use crate::common::{Client, Incoming, Seen, World, topics};
use effusion_protocol::body::{
    Call, ChangeRolesRequest, FetchMetricsRequest, FilterSelectRequest, MetricsServer,
    SelectRequest, SessionLockRequest, SessionLockScope, SetConflationFilterRequest,
    SetSessionPropertiesFilterRequest, TopicMetricCollector, call,
};
use effusion_protocol::time_series::{QueryType, RangeQueryRequest};
use effusion_protocol::{ErrorReason, decode};

#[test]
fn whoever_lost_a_right_is_sent_nothing_until_all_subscriptions_are_looked_at() {
    let mut world = crowded(10_000);
    let mut admin = world.client("admin");
    let mut writer = world.client("control");
    let mut reader = world.client("user");
    reader.request::<call::Subscribe>(&mut world, &SelectRequest::new("?many//"));
    read_on(&mut world, &mut reader);
    assert_eq!(reader.topics.len(), 10_000);
    let roles = ChangeRolesRequest {
        session: reader.session,
        remove: vec!["CLIENT".to_owned(), "TOPIC_CONTROL".to_owned()],
        add: Vec::new(),
    };
    admin.request_unsettled::<call::ChangeRoles>(&mut world, &roles);
    assert!(world.broker.has_work());
    // The last of the topics has not been looked at yet.
    let path = "many/9/branch/9999";
    writer.request_unsettled::<call::SetTopic>(&mut world, &topics::set(path, "\"secret\""));
    world.carry_out();
    assert!(world.broker.has_work());
    let seen = read_on(&mut world, &mut reader);
    assert!(
        seen.iter().all(|it| matches!(it, Seen::Unsubscribed(..))),
        "{:?}",
        seen.first()
    );
    world.settle();
    let seen = read_on(&mut world, &mut reader);
    assert!(
        seen.iter().all(|it| matches!(it, Seen::Unsubscribed(..))),
        "{:?}",
        seen.first()
    );
    assert_eq!(reader.topics.len(), 0);
    // With the right, they come back, in slices.
    let again = ChangeRolesRequest {
        remove: Vec::new(),
        add: vec!["CLIENT".to_owned()],
        ..roles
    };
    admin.request_unsettled::<call::ChangeRoles>(&mut world, &again);
    assert!(world.broker.has_work());
    world.settle();
    read_on(&mut world, &mut reader);
    assert_eq!(reader.topics.len(), 10_000);
}

#[test]
fn sessions_whose_rights_changed_take_turns() {
    let mut world = crowded(10_000);
    let roles = |client: &Client, remove: &str| ChangeRolesRequest {
        session: client.session,
        remove: vec![remove.to_owned()],
        add: Vec::new(),
    };
    let mut first = world.client("user");
    for number in 0..30 {
        let selector = SelectRequest::new(&format!("?many/.*/.*/x{number}.*"));
        first
            .call::<call::Subscribe>(&mut world, &selector)
            .unwrap();
    }
    let mut owner = world.client("control");
    let lock = SessionLockRequest {
        name: "lock".into(),
        request: 1,
        scope: SessionLockScope::UnlockOnSessionLoss,
    };
    owner
        .call::<call::AcquireSessionLock>(&mut world, &lock)
        .unwrap();
    let mut next = world.client("user");
    next.request::<call::AcquireSessionLock>(&mut world, &lock);
    let mut admin = world.client("admin");
    let change = roles(&first, "CLIENT");
    admin.request_unsettled::<call::ChangeRoles>(&mut world, &change);
    world.carry_out();
    assert!(world.broker.has_work());
    for role in ["CLIENT", "TOPIC_CONTROL", "CLIENT_CONTROL", "MODERATOR"] {
        let change = roles(&owner, role);
        admin.request_unsettled::<call::ChangeRoles>(&mut world, &change);
    }
    // The lock is free at once, and the session's turn comes before the first one's end.
    world.carry_out();
    assert!(
        next.read_all(&mut world)
            .iter()
            .any(|it| matches!(it, Incoming::Answer(_, Ok(_))))
    );
    world.broker.work(world.now);
    world.broker.work(world.now);
    world.carry_out();
    assert!(world.broker.has_work());
    let ping = owner.request_unsettled::<call::UserPing>(&mut world, &());
    world.carry_out();
    let seen = owner.read_all(&mut world);
    assert!(
        seen.iter()
            .any(|it| matches!(it, Incoming::Answer(id, Ok(_)) if *id == ping)),
        "{seen:?}"
    );
    assert!(world.broker.has_work());
}

/// The answer to a request of a client whose role has other permissions once it is being served, but is not done.
fn after_loss<C: Call>(
    world: &mut World,
    (before, after): (&str, &str),
    body: &C::Request,
) -> Result<C::Response, ErrorReason> {
    topics::run_script(world, before);
    let mut admin = world.client("admin");
    let mut caller = world.client("caller");
    let asked = caller.request_unsettled::<C>(world, body);
    assert!(world.broker.has_work());
    admin.request_unsettled::<call::UpdateSecurity>(world, &after.to_owned());
    world.settle();
    let version = caller.version;
    let answers = caller.read_all(world).into_iter();
    let mut answers = answers.filter_map(|it| match it {
        Incoming::Answer(id, answer) if id == asked => Some(answer),
        _ => None,
    });
    let answer = answers.next().expect("it is answered");
    assert_eq!(answers.next(), None);
    answer
        .map(|body| decode(body, version).unwrap())
        .map_err(|report| report.reason)
}

#[test]
fn what_is_served_in_slices_needs_the_right_until_it_is_done() {
    let mut world = crowded(12_000);
    full_of_sessions(&mut world, 2_000);
    topics::run_accounts_script(&mut world, "add principal 'caller' 'password' ['C']");
    let denied = ErrorReason::AccessDenied;
    let all = "set 'C' permissions [MODIFY_SESSION VIEW_SESSION VIEW_SERVER CONTROL_SERVER]\n\
               set 'C' default path permissions [SELECT_TOPIC READ_TOPIC]";
    let filter = || "$Principal is 'user'".to_owned();
    let subscribe = FilterSelectRequest {
        filter: filter(),
        selection: SelectRequest::new("?many//"),
    };
    let loss = (all, "set 'C' default path permissions [READ_TOPIC]");
    let subscribed = after_loss::<call::FilterSubscribe>(&mut world, loss, &subscribe);
    assert_eq!(subscribed.unwrap_err(), denied);
    let set = SetSessionPropertiesFilterRequest {
        filter: filter(),
        set: Some(vec![("a".to_owned(), "b".to_owned())]),
        remove: None,
    };
    let loss = (all, "set 'C' permissions [MODIFY_SESSION]");
    let changed = after_loss::<call::SetSessionPropertiesFilter>(&mut world, loss, &set);
    assert_eq!(changed.unwrap_err(), denied);
    // Which sessions match tells of them, whatever is done to those.
    let conflation = SetConflationFilterRequest {
        filter: filter(),
        enabled: false,
    };
    let conflated = after_loss::<call::SetConflationFilter>(&mut world, loss, &conflation);
    assert_eq!(conflated.unwrap_err(), denied);
    let collector = TopicMetricCollector {
        name: "all".to_owned(),
        exports: false,
        maximum_groups: 1,
        selector: "?many//".to_owned(),
        by_type: false,
        by_view: false,
        prefix_parts: 0,
    };
    let mut admin = world.client("admin");
    admin
        .call::<call::PutTopicMetricCollector>(&mut world, &collector)
        .unwrap();
    let metrics = FetchMetricsRequest {
        server: MetricsServer::Current,
        names: Vec::new(),
        pattern: String::new(),
    };
    let loss = (all, "set 'C' permissions [VIEW_SESSION]");
    let measured = after_loss::<call::FetchMetrics>(&mut world, loss, &metrics);
    assert_eq!(measured.unwrap_err(), denied);
    // What was fetched before the right to it was lost is not among the answer.
    let mut request = fetch("?many//");
    request.with_values = true;
    let loss = (all, "set 'C' path 'many/0' permissions []");
    let fetched = after_loss::<call::Fetch>(&mut world, loss, &request).unwrap();
    assert_eq!(fetched.topics.len(), 12_000 / 10 * 9);
    assert!(
        fetched
            .topics
            .iter()
            .all(|it| !it.path.starts_with("many/0"))
    );
}

#[test]
fn a_query_for_what_was_replaced_needs_the_right_until_it_is_done() {
    let mut world = World::default();
    topics::run_accounts_script(&mut world, "add principal 'caller' 'password' ['C']");
    let mut control = world.client("control");
    filled(&mut world, &mut control, 12_000, 12_000);
    let query = RangeQueryRequest {
        query_type: QueryType::AllEdits,
        ..RangeQueryRequest::new("s")
    };
    let script = |permissions: &str| {
        format!("set 'C' default path permissions [SELECT_TOPIC READ_TOPIC {permissions}]")
    };
    let [may, may_not] = ["QUERY_OBSOLETE_TIME_SERIES_EVENTS", ""].map(script);
    let queried = after_loss::<call::RangeQuery>(&mut world, (&may, &may_not), &query);
    assert_eq!(queried.unwrap_err(), ErrorReason::AccessDenied);
    let queried = after_loss::<call::RangeQuery>(&mut world, (&may, &may), &query);
    assert_eq!(queried.unwrap().events.len(), 12_000);
}
