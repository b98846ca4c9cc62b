//! Update streams, locks, patches, topic notifications, and a change of principal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

mod common;

use bytes::Bytes;
use common::requests::{of_service, request};
use common::topics::{add_json, json};
use common::{Incoming, Seen, World};
use effusion_protocol::body::{
    ApplyJsonPatchRequest, CreateUpdateStreamAndSetRequest, SelectRequest, SessionLockAcquisition,
    SessionLockRequest, SessionLockScope, SetTopicRequest, StreamAddAndSetTopicRequest,
    TopicDescendantEvent, TopicNotificationEvent, TopicNotificationSelection,
    TopicNotificationType, UpdateConstraint, UpdateStreamRequest, call,
};
use effusion_protocol::value::delta;
use effusion_protocol::{ConversationId, ErrorReason, TopicSpecification, TopicType, decode};

fn topic() -> TopicSpecification {
    TopicSpecification::new(TopicType::Json)
}

fn set(path: &str, value: &str, constraint: UpdateConstraint) -> SetTopicRequest {
    SetTopicRequest {
        path: path.to_owned(),
        topic_type: TopicType::Json,
        value: json(value),
        constraint,
    }
}

#[test]
fn an_update_stream_is_valid_as_long_as_it_is_alone() {
    let mut world = World::default();
    let (mut al, mut bob) = (world.client("user"), world.client("user"));
    let create = StreamAddAndSetTopicRequest {
        path: "s".into(),
        specification: topic(),
        value: json(r#"{"a":"a rather long value that stays","n":1}"#),
        constraint: UpdateConstraint::Unconstrained,
    };
    let created = al
        .call::<call::StreamAddAndSetTopic>(&mut world, &create)
        .unwrap()
        .created;
    assert_eq!(created.flags, Some(1));
    bob.call::<call::Subscribe>(&mut world, &SelectRequest::new(">s"))
        .unwrap();
    let old = create.value.clone();
    let new = json(r#"{"a":"a rather long value that stays","n":2}"#);
    let update = UpdateStreamRequest {
        stream: created.stream.clone(),
        value: delta::apply(&old, &[0xf6])
            .map(|_| diff(&old, &new))
            .unwrap(),
    };
    al.call::<call::StreamApplyDelta>(&mut world, &update)
        .unwrap();
    assert_eq!(bob.see(&mut world), [Seen::Value("s".into(), new)]);
    al.call::<call::CheckUpdateStream>(&mut world, &created.stream)
        .unwrap();
    bob.call::<call::SetTopic>(&mut world, &set("s", "1", UpdateConstraint::Unconstrained))
        .unwrap();
    let late = UpdateStreamRequest {
        stream: created.stream.clone(),
        value: json("2"),
    };
    let refused = al.call::<call::StreamSet>(&mut world, &late);
    assert_eq!(
        refused.unwrap_err().reason,
        ErrorReason::InvalidUpdateStream
    );
    // A second stream ends the first, and a removed topic ends all.
    let create = CreateUpdateStreamAndSetRequest {
        path: "s".into(),
        topic_type: TopicType::Json,
        value: json("3"),
        constraint: UpdateConstraint::Unconstrained,
    };
    let first = al
        .call::<call::CreateUpdateStreamAndSet>(&mut world, &create)
        .unwrap();
    let second = bob
        .call::<call::CreateUpdateStreamAndSet>(&mut world, &create)
        .unwrap();
    assert!(
        al.call::<call::CheckUpdateStream>(&mut world, &first.stream)
            .is_err()
    );
    bob.call::<call::CheckUpdateStream>(&mut world, &second.stream)
        .unwrap();
    bob.call::<call::RemoveTopics>(&mut world, &">s".to_owned())
        .unwrap();
    assert!(
        bob.call::<call::CheckUpdateStream>(&mut world, &second.stream)
            .is_err()
    );
}

/// All of the new value as one insertion, which is a delta too.
fn diff(_: &Bytes, new: &Bytes) -> Bytes {
    let mut delta = vec![0x58, u8::try_from(new.len()).unwrap()];
    delta.extend_from_slice(new);
    Bytes::from(delta)
}

#[test]
fn a_lock_guards_an_update() {
    let mut world = World::default();
    let (mut al, mut bob) = (world.client("user"), world.client("user"));
    add_json(&mut world, &mut al, "a");
    let ask = |request| SessionLockRequest {
        name: "L".into(),
        request,
        scope: SessionLockScope::UnlockOnConnectionLoss,
    };
    let lock = al
        .call::<call::AcquireSessionLock>(&mut world, &ask(1))
        .unwrap();
    let waiting = bob.request::<call::AcquireSessionLock>(&mut world, &ask(1));
    assert_eq!(bob.read_all(&mut world), []);
    let locked = |sequence| UpdateConstraint::Locked {
        name: "L".into(),
        sequence,
    };
    al.call::<call::SetTopic>(&mut world, &set("a", "1", locked(lock.sequence)))
        .unwrap();
    let refused = bob.call::<call::SetTopic>(&mut world, &set("a", "2", locked(lock.sequence)));
    assert_eq!(
        refused.unwrap_err().reason,
        ErrorReason::UnsatisfiedConstraint
    );
    al.cut(&mut world);
    let granted = bob.read_all(&mut world);
    let [Incoming::Answer(id, Ok(body))] = &granted[..] else {
        panic!("{granted:?}");
    };
    assert_eq!(*id, waiting);
    let granted: SessionLockAcquisition = decode(body.clone(), bob.version).unwrap();
    assert!(granted.sequence > lock.sequence);
    let released = bob.call::<call::ReleaseSessionLock>(&mut world, &granted);
    assert_eq!(released, Ok(true));
    let released = bob.call::<call::ReleaseSessionLock>(&mut world, &granted);
    assert_eq!(released, Ok(false));
    let mut client = world.client("client");
    let denied = client.call::<call::AcquireSessionLock>(&mut world, &ask(1));
    assert_eq!(denied.unwrap_err().reason, ErrorReason::AccessDenied);
}

#[test]
fn a_patch_is_applied_or_told_where_it_fails() {
    let mut world = World::default();
    let mut client = world.client("user");
    add_json(&mut world, &mut client, "a");
    client
        .call::<call::SetTopic>(
            &mut world,
            &set("a", r#"{"n":1}"#, UpdateConstraint::Unconstrained),
        )
        .unwrap();
    let mut patch = |text: &str| {
        let request = ApplyJsonPatchRequest {
            path: "a".into(),
            patch: text.into(),
            constraint: UpdateConstraint::Unconstrained,
        };
        client
            .call::<call::ApplyJsonPatch>(&mut world, &request)
            .map(|it| it.failed)
    };
    assert_eq!(patch(r#"[{"op":"replace","path":"/n","value":2}]"#), Ok(-1));
    assert_eq!(
        patch(r#"[{"op":"test","path":"/n","value":2},{"op":"remove","path":"/x"}]"#),
        Ok(1)
    );
    assert_eq!(
        patch("no patch").unwrap_err().reason,
        ErrorReason::InvalidData
    );
    assert_eq!(world.stored.topics[0].1.value, Some(json(r#"{"n":2}"#)));
}

#[test]
fn listeners_are_told_of_the_tree() {
    let mut world = World::default();
    let (mut maker, mut watcher) = (world.client("user"), world.client("client"));
    add_json(&mut world, &mut maker, "a/b");
    add_json(&mut world, &mut maker, "a/b/c");
    let selection = |selector: &str| TopicNotificationSelection {
        listener: ConversationId(3),
        selector: selector.into(),
    };
    let (_, incoming) =
        watcher.call_seeing::<call::TopicNotificationSelection>(&mut world, &selection(">a"));
    let events: Vec<TopicDescendantEvent> =
        of_service::<call::TopicDescendantEvent>(incoming, &watcher)
            .into_iter()
            .map(|(_, it)| it)
            .collect();
    assert_eq!(events.len(), 1, "only the first topic on the branch");
    assert_eq!(
        (events[0].path.as_str(), events[0].kind),
        ("a/b", TopicNotificationType::Selected)
    );
    let (_, incoming) =
        watcher.call_seeing::<call::TopicNotificationSelection>(&mut world, &selection("?a/b//"));
    assert_eq!(
        of_service::<call::TopicNotificationEvent>(incoming, &watcher).len(),
        2
    );
    maker
        .call::<call::RemoveTopics>(&mut world, &">a/b/c".to_owned())
        .unwrap();
    let (_, event): (_, TopicNotificationEvent) =
        request::<call::TopicNotificationEvent>(&mut world, &mut watcher);
    assert_eq!(
        (event.path.as_str(), event.kind),
        ("a/b/c", TopicNotificationType::Removed)
    );
    watcher
        .call::<call::TopicNotificationDeregistration>(&mut world, &ConversationId(3))
        .unwrap();
    add_json(&mut world, &mut maker, "a/x");
    assert_eq!(watcher.read_all(&mut world), []);
}

#[test]
fn a_session_becomes_another_principals() {
    let mut world = World::default();
    let mut client = world.client("client");
    let become_user = |password: &str| effusion_protocol::body::ReauthenticateRequest {
        principal: "user".into(),
        credentials: effusion_protocol::Credentials::Password(password.into()),
        proposed: vec![],
    };
    let wrong = client.call::<call::Reauthenticate>(&mut world, &become_user("wrong"));
    assert_eq!(wrong, Ok(false));
    let right = client.call::<call::Reauthenticate>(&mut world, &become_user("password"));
    assert_eq!(right, Ok(true));
    add_json(&mut world, &mut client, "a");
    let permissions = client
        .call::<call::GetPathPermissions>(&mut world, &"a".to_owned())
        .unwrap();
    assert!(permissions.contains(&effusion_broker::PathPermission::ModifyTopic));
}
