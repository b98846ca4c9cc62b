//! A moderator and people in rooms, at a real sandbox.
#![cfg(feature = "native")]
// In a test, panicking is how one fails.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use effusion_chat::moderation::{Deed, Rules};
use effusion_chat::{ChatMessage, DirectMessage, RoomName, direct_path};
use effusion_client::{
    AuthenticationScript, ConnectOptions, ErrorReason, Json, RequestError, ServiceAddress, Session,
    StreamEvent, TimeSeriesEvent, TopicSpecification, TopicType, property,
};
use effusion_moderator::{Desk, Failure, Inbox, Report};
use effusion_sandbox::cli::Args;
use effusion_sandbox::server::{Options, Server};
use futures_util::StreamExt as _;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);
const ROOM: &str = "Chat/red";

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_millis() as i64
}

/// A sandbox, and sessions at it.
struct Service {
    server: Server,
    port: u16,
}

impl Service {
    async fn start() -> Self {
        let args = Args::parse_from(["effusion-sandbox", "--listen", "127.0.0.1:0", "--memory"]);
        let server = Server::start(Options::from(args)).await.unwrap();
        let url = server.urls().next().unwrap();
        let port = url.rsplit_once(':').unwrap().1;
        let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
        Self {
            port: digits.parse().unwrap(),
            server,
        }
    }

    async fn session(&self, principal: &str) -> Session {
        let options = ConnectOptions::new()
            .principal(principal)
            .password("password");
        let address = ServiceAddress::new("127.0.0.1").port(self.port);
        options.connect(address).await.unwrap()
    }
}

fn test(body: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        timeout(4 * PATIENCE, body).await.unwrap()
    });
}

/// Somebody in the room, who sees what it shows.
struct Person {
    session: Session,
    seen: effusion_client::ValueStream<TimeSeriesEvent<Json>>,
}

impl Person {
    async fn enter(service: &Service, principal: &str) -> Self {
        let session = service.session(principal).await;
        let specification = TopicSpecification::new(TopicType::TimeSeries)
            .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
            .with(property::TIME_SERIES_RETAINED_RANGE, "limit 100")
            .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, "limit 100");
        session.topics().add(ROOM, specification).await.unwrap();
        let selector = [">", ROOM].concat();
        let seen = session.add_stream(&selector).unwrap();
        session.topics().select(&selector).await.unwrap();
        Self { session, seen }
    }

    async fn say(&self, text: &str) -> Result<u64, RequestError> {
        let message = ChatMessage {
            text: text.to_owned(),
            name: "Ann".to_owned(),
            ..ChatMessage::default()
        };
        let appended = self.session.time_series().append(ROOM, &message.to_json());
        appended.await.map(|metadata| metadata.sequence)
    }

    /// Waits until a message has this text; returns whether it is marked as bleeped.
    async fn reads(&mut self, sequence: u64, text: &str) -> bool {
        loop {
            let event = timeout(PATIENCE, self.seen.next()).await.unwrap().unwrap();
            if let StreamEvent::Value { new, .. } = event
                && new.original().sequence == sequence
            {
                let message = ChatMessage::from_json(&new.value).unwrap();
                if message.text == text {
                    return message.bleeped;
                }
            }
        }
    }

    /// Waits until writing is possible, or not, as rights change.
    async fn may_write(&self, may: bool) {
        timeout(PATIENCE, async {
            loop {
                match self.say("hello").await {
                    Ok(_) if may => return,
                    Err(error) if error.refusal() == Some(ErrorReason::AccessDenied) && !may => {
                        return;
                    }
                    Ok(_) | Err(RequestError::Refused(_)) => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Err(error) => unreachable!("{error}"),
                }
            }
        })
        .await
        .unwrap();
    }
}

async fn account(service: &Service, principal: &str) {
    let registrar = service.session("admin").await;
    let script = AuthenticationScript::new().add_principal(
        principal,
        "password",
        &["CLIENT", "TOPIC_CONTROL"],
    );
    registrar
        .security()
        .update_authentication_store(&script)
        .await
        .unwrap();
}

/// Takes in what happens until a report is there.
async fn until(desk: &mut Desk, inbox: &mut Inbox, wanted: impl Fn(&Report) -> bool) -> Report {
    loop {
        let happening = timeout(PATIENCE, inbox.next()).await.unwrap().unwrap();
        for report in desk.take(happening, now()).await {
            assert!(!matches!(report, Report::NotDone(_)), "{report:?}");
            if wanted(&report) {
                return report;
            }
        }
    }
}

fn is_done(report: &Report, deed: Deed) -> bool {
    matches!(report, Report::Done(_, entry) if entry.deed == deed)
}

fn rules() -> Rules {
    Rules {
        words: vec!["heck".to_owned()],
        mute_after: 2,
        mute_lasts: 1,
        ..Rules::default()
    }
}

#[test]
fn a_moderator_bleeps_warns_mutes_and_undoes() {
    test(async {
        let service = Service::start().await;
        account(&service, "ann").await;
        let mut ann = Person::enter(&service, "ann").await;
        let moderator = service.session("admin").await;
        let (mut desk, mut inbox) = Desk::open(moderator, "admin", now()).await.unwrap();
        desk.publish(rules()).await.unwrap();
        assert_eq!(desk.begin_duty().await, []);

        let first = ann.say("what the h e c k").await.unwrap();
        let bleeped = until(&mut desk, &mut inbox, |r| is_done(r, Deed::Bleeped)).await;
        assert!(ann.reads(first, "what the █ █ █ █").await);
        let inbox_path = direct_path("ann").unwrap();
        let warnings = ann
            .session
            .time_series()
            .range_query()
            .select_from::<Json>(&inbox_path)
            .await
            .unwrap();
        let [warning] = &warnings.events[..] else {
            unreachable!("{warnings:?}")
        };
        assert_eq!(warning.metadata.author, "admin");
        assert!(
            DirectMessage::from_json(&warning.value)
                .unwrap()
                .message
                .text
                .contains("red")
        );

        // The second strike takes the right to write, at once and for later sessions; reading stays.
        ann.say("heck!").await.unwrap();
        let muted = until(&mut desk, &mut inbox, |r| is_done(r, Deed::Muted)).await;
        ann.may_write(false).await;
        // The muted principal can still read its direct messages.
        let inbox_selector = [">", &inbox_path].concat();
        ann.session.topics().select(&inbox_selector).await.unwrap();
        let kept = ann
            .session
            .time_series()
            .range_query()
            .select_from::<Json>(&inbox_path);
        assert!(!kept.await.unwrap().events.is_empty());
        let again = Person::enter_muted(&service, "ann").await;
        again.may_write(false).await;
        let Report::Done(number, entry) = muted else {
            unreachable!()
        };
        assert_eq!(entry.roles.unwrap(), ["CLIENT", "TOPIC_CONTROL"]);

        // Its time is over.
        assert_eq!(desk.tick(now()).await, []);
        let lifted = desk.tick(now() + 61_000).await;
        assert!(
            matches!(&lifted[..], [report] if is_done(report, Deed::Undone)),
            "{lifted:?}"
        );
        ann.may_write(true).await;
        again.may_write(true).await;
        assert_eq!(desk.undo(number, "").await, Err(Failure::NotToUndo(number)));

        // A bleep is undone: the text is shown again.
        let Report::Done(number, _) = bleeped else {
            unreachable!()
        };
        desk.undo(number, "a harmless word").await.unwrap();
        assert!(!ann.reads(first, "what the h e c k").await);
        service.server.stop().await;
    });
}

impl Person {
    /// For who may read but not make the room.
    async fn enter_muted(service: &Service, principal: &str) -> Self {
        let session = service.session(principal).await;
        let selector = [">", ROOM].concat();
        let seen = session.add_stream(&selector).unwrap();
        session.topics().select(&selector).await.unwrap();
        Self { session, seen }
    }
}

#[test]
fn another_moderator_finds_all_in_the_log() {
    test(async {
        let service = Service::start().await;
        account(&service, "ann").await;
        let ann = Person::enter(&service, "ann").await;
        let room = RoomName::parse("red").unwrap();
        let (mut desk, _inbox) = Desk::open(service.session("admin").await, "admin", now())
            .await
            .unwrap();
        let (number, _) = desk
            .withdraw(Deed::Removed, "ann", Some(room), None, "by hand")
            .await
            .unwrap();
        ann.may_write(false).await;
        assert_eq!(
            desk.withdraw(Deed::Locked, "nobody", None, None, "").await,
            Err(Failure::NoPrincipal("nobody".to_owned()))
        );
        let nowhere = RoomName::parse("nowhere").unwrap();
        assert_eq!(
            desk.withdraw(Deed::Muted, "ann", Some(nowhere.clone()), None, "")
                .await,
            Err(Failure::NoRoom(nowhere))
        );
        assert_eq!(
            desk.withdraw(Deed::Locked, "admin", None, None, "").await,
            Err(Failure::Exempt("admin".to_owned()))
        );
        drop(desk);

        let (mut desk, mut inbox) = Desk::open(service.session("admin").await, "admin", now())
            .await
            .unwrap();
        while desk.ledger().entry(number).is_none() {
            let happening = timeout(PATIENCE, inbox.next()).await.unwrap().unwrap();
            desk.take(happening, now()).await;
        }
        assert_eq!(desk.begin_duty().await, []);
        ann.may_write(false).await;
        desk.undo(number, "").await.unwrap();
        ann.may_write(true).await;
        service.server.stop().await;
    });
}

#[test]
fn a_lock_ends_sessions_and_keeps_others_from_doing_anything() {
    test(async {
        let service = Service::start().await;
        account(&service, "ann").await;
        let ann = Person::enter(&service, "ann").await;
        let (mut desk, _inbox) = Desk::open(service.session("admin").await, "admin", now())
            .await
            .unwrap();
        let (number, _) = desk
            .withdraw(Deed::Locked, "ann", None, None, "by hand")
            .await
            .unwrap();
        let mut states = ann.session.states();
        while timeout(PATIENCE, states.next()).await.unwrap().is_some() {}
        let again = service.session("ann").await;
        let refused = again.topics().select(&[">", ROOM].concat()).await;
        assert_eq!(
            refused.unwrap_err().refusal(),
            Some(ErrorReason::AccessDenied)
        );
        desk.undo(number, "").await.unwrap();
        Person {
            session: again.clone(),
            seen: again.add_stream(">x").unwrap(),
        }
        .may_write(true)
        .await;
        service.server.stop().await;
    });
}

#[test]
fn whoever_is_muted_may_do_nothing_more_than_before_and_gets_back_just_that() {
    test(async {
        let service = Service::start().await;
        let admin = service.session("admin").await;
        let security = admin.security();
        let script = "set 'ONE ROOM' default path permissions [SELECT_TOPIC READ_TOPIC]\n\
            set 'ONE ROOM' path 'Chat/red' permissions [SELECT_TOPIC READ_TOPIC UPDATE_TOPIC MODIFY_TOPIC]\n\
            set 'ONE ROOM' path 'Private' permissions []";
        security.update_security_store(script).await.unwrap();
        let script = AuthenticationScript::new().add_principal("ann", "password", &["ONE ROOM"]);
        security.update_authentication_store(&script).await.unwrap();
        for path in ["Chat/blue", "Private/x"] {
            let json = TopicSpecification::new(TopicType::Json);
            admin.topics().add(path, json).await.unwrap();
        }
        // A session that lost a role must not be given by muting what its account has.
        let less = service.session("ann").await;
        let all = "$Principal is 'ann'";
        let control = admin.clients();
        let lost = control.change_roles_by_filter(all, &[], &["ONE ROOM"]);
        assert_eq!(lost.await.unwrap(), 1);
        let ann = Person::enter(&service, "ann").await;
        let (mut desk, _inbox) = Desk::open(service.session("admin").await, "admin", now())
            .await
            .unwrap();
        let room = RoomName::parse("red").unwrap();
        let (number, _) = desk
            .withdraw(Deed::Muted, "ann", Some(room), None, "by hand")
            .await
            .unwrap();
        ann.may_write(false).await;
        let mut states = less.states();
        while timeout(PATIENCE, states.next()).await.unwrap().is_some() {}
        let again = service.session("ann").await;
        for session in [&ann.session, &again] {
            let json = Json::integer(1);
            let elsewhere = session.topic_update().set("Chat/blue", &json).await;
            assert_eq!(
                elsewhere.unwrap_err().refusal(),
                Some(ErrorReason::AccessDenied)
            );
            let new = TopicSpecification::new(TopicType::Json);
            let added = session.topics().add("new/topic", new).await;
            assert_eq!(
                added.unwrap_err().refusal(),
                Some(ErrorReason::AccessDenied)
            );
            let hidden = session.fetch("?Private//").fetch().await;
            assert!(hidden.is_err() || hidden.is_ok_and(|found| found.topics.is_empty()));
        }
        desk.undo(number, "").await.unwrap();
        ann.may_write(true).await;
        let store = security.authentication_store().await.unwrap();
        let account = store.principals.iter().find(|it| it.name == "ann").unwrap();
        assert_eq!(account.roles, ["ONE ROOM"]);
        let store = security.security_store().await.unwrap();
        let muted = store
            .roles
            .iter()
            .find(|it| it.name == "Muted ann")
            .unwrap();
        assert!(muted.global.is_empty() && muted.default_path.is_empty() && muted.paths.is_empty());
        service.server.stop().await;
    });
}

#[test]
fn one_desk_acts_and_the_next_one_takes_over() {
    test(async {
        let service = Service::start().await;
        account(&service, "ann").await;
        let mut ann = Person::enter(&service, "ann").await;
        let (mut first, mut inbox) = Desk::open(service.session("admin").await, "admin", now())
            .await
            .unwrap();
        first.publish(rules()).await.unwrap();
        let said = ann.say("oh heck").await.unwrap();
        // Only watching: the message is reported, and left as it is.
        let flagged = until(&mut first, &mut inbox, |r| {
            matches!(r, Report::Flagged { .. })
        })
        .await;
        assert!(matches!(flagged, Report::Flagged { principal, .. } if principal == "ann"));
        assert_eq!(
            first.ledger().entries().count(),
            1,
            "only the rules are in the log"
        );
        let reports = first.begin_duty().await;
        assert!(
            reports.iter().any(|report| is_done(report, Deed::Bleeped)),
            "{reports:?}"
        );
        assert!(ann.reads(said, "oh ████").await);
        service.server.stop().await;
    });
}

#[test]
fn words_in_a_live_room_are_replaced() {
    test(async {
        let service = Service::start().await;
        let somebody = service.session("user").await;
        let path = "Chat/live";
        somebody
            .topics()
            .add(path, TopicSpecification::new(TopicType::Json))
            .await
            .unwrap();
        let (mut desk, mut inbox) = Desk::open(service.session("admin").await, "admin", now())
            .await
            .unwrap();
        desk.publish(rules()).await.unwrap();
        assert_eq!(desk.begin_duty().await, []);
        // Written as another client may write it: members in another order, and additional ones.
        let value = Json::object(&[
            ("more", Json::integer(1)),
            ("name", Json::text("Ann")),
            ("text", Json::text("Heck no")),
        ]);
        somebody.topic_update().set(path, &value).await.unwrap();
        until(&mut desk, &mut inbox, |r| is_done(r, Deed::Bleeped)).await;
        let found = somebody
            .fetch(">Chat/live")
            .with_values()
            .fetch()
            .await
            .unwrap();
        let shown = found.topics[0].value::<Json>().unwrap();
        let shown = ChatMessage::from_json(&shown.unwrap()).unwrap();
        assert_eq!((shown.text.as_str(), shown.bleeped), ("████ no", true));
        service.server.stop().await;
    });
}
