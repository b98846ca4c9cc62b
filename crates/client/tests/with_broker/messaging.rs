//! Requests between sessions: to a path, to a session, to all that match a filter.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use effusion_client::{
    ErrorReason, Json, Renew, Request, RequestError, RequestStream, Responder, Session,
};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;

use super::hub::{Hub, options};
use super::random::Random;
use super::session::{local, refusal, settle};

async fn next<T: DeserializeOwned + 'static>(stream: &mut RequestStream<T>) -> Request<T> {
    stream.next().await.expect("a request")
}

fn ask(session: &Session, path: &str, value: &str) -> effusion_client::Response<String> {
    session.messages().send(path, &value.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_handler_answers_requests_to_its_path() {
    local(async {
        let hub = Hub::new();
        let handler = hub.session("control").await;
        let client = hub.session("client").await;
        let mut requests = handler
            .messages()
            .add_request_handler::<String>("shout", &["$Principal"])
            .await
            .unwrap();
        let answer = ask(&client, "shout/at/me", "hello");
        let request = next(&mut requests).await;
        assert_eq!(
            (request.path.as_str(), request.value.as_str()),
            ("shout/at/me", "hello")
        );
        assert_eq!(request.sender, client.info().map(|info| info.id));
        assert_eq!(
            request.properties,
            [("$Principal".to_owned(), "client".to_owned())]
        );
        request.responder.respond(&"HELLO".to_owned());
        assert_eq!(answer.await.as_deref(), Ok("HELLO"));

        let answer = ask(&client, "shout", "");
        next(&mut requests)
            .await
            .responder
            .reject("nothing to shout");
        match answer.await {
            Err(RequestError::Refused(report)) => {
                assert_eq!(report.reason, ErrorReason::RejectedRequest);
                assert_eq!(report.message, "nothing to shout");
            }
            other => panic!("{other:?}"),
        }
        // Who does not answer says so.
        let answer = ask(&client, "shout", "x");
        drop(next(&mut requests).await);
        assert_eq!(refusal(answer.await), Some(ErrorReason::CallbackException));
        // The request is not of the handler's type, or the answer not of the sender's.
        let number = client.messages().send::<i64, String>("shout", &7);
        let (number, _) = tokio::join!(number, async {
            tokio::select! {
                _ = requests.next() => panic!("a number was taken for a string"),
                () = settle() => {}
            }
        });
        assert_eq!(refusal(number), Some(ErrorReason::IncompatibleDatatype));
        let answer = ask(&client, "shout", "x");
        next(&mut requests).await.responder.respond(&7i64);
        assert!(matches!(
            answer.await,
            Err(RequestError::UnreadableValue(_))
        ));

        drop(requests);
        let unhandled = ask(&client, "shout", "x").await;
        assert_eq!(refusal(unhandled), Some(ErrorReason::UnhandledMessage));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn registering_a_handler_may_be_refused() {
    local(async {
        let hub = Hub::new();
        let client = hub.session("client").await;
        let denied = client.messages().add_request_handler::<String>("a", &[]);
        assert_eq!(refusal(denied.await), Some(ErrorReason::AccessDenied));
        let control = hub.session("control").await;
        let one = control.messages().add_request_handler::<String>("a", &[]);
        let mut one = one.await.unwrap();
        let two = control.messages().add_request_handler::<Json>("a", &[]);
        assert_eq!(refusal(two.await), Some(ErrorReason::HandlerConflict));
        // The one that is there stays.
        let answer = ask(&client, "a", "x");
        next(&mut one).await.responder.respond(&"y".to_owned());
        assert_eq!(answer.await.as_deref(), Ok("y"));
        control.close().await;
        assert!(one.next().await.is_none());
        let late = control.messages().add_request_handler::<String>("b", &[]);
        assert!(matches!(late.await, Err(RequestError::NeverSent(_))));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_sent_requests() {
    local(async {
        let hub = Hub::new();
        let control = hub.session("control").await;
        let client = hub.session("client").await;
        let id = client.info().unwrap().id;
        let messages = control.messages();
        let nobody = messages.send_to_session::<_, String>(id, "mood", &1i64);
        assert_eq!(refusal(nobody.await), Some(ErrorReason::UnhandledMessage));
        let mut old = client.messages().set_request_stream::<i64>("mood");
        let mut moods = client.messages().set_request_stream::<i64>("/mood");
        let answer = messages.send_to_session::<_, String>(id, "mood", &1i64);
        let request = next(&mut moods).await;
        assert_eq!((request.value, request.sender), (1, None));
        request.responder.respond(&"merry".to_owned());
        assert_eq!(answer.await.as_deref(), Ok("merry"));
        let elsewhere = messages.send_to_session::<_, String>(id, "mood/today", &1i64);
        assert_eq!(
            refusal(elsewhere.await),
            Some(ErrorReason::UnhandledMessage)
        );
        drop(moods);
        let answer = messages.send_to_session::<_, String>(id, "mood", &2i64);
        next(&mut old).await.responder.respond(&"sad".to_owned());
        assert_eq!(answer.await.as_deref(), Ok("sad"));

        let own = control.info().unwrap().id;
        let denied = client
            .messages()
            .send_to_session::<_, String>(own, "mood", &1i64);
        assert_eq!(refusal(denied.await), Some(ErrorReason::AccessDenied));
        client.close().await;
        let gone = messages.send_to_session::<_, String>(id, "mood", &1i64);
        assert_eq!(refusal(gone.await), Some(ErrorReason::NoSuchSession));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn all_sessions_of_a_filter_are_asked() {
    local(async {
        let hub = Hub::new();
        let control = hub.session("control").await;
        let merry = hub.session("client").await;
        let silent = hub.session("client").await;
        let mut moods = merry.messages().set_request_stream::<i64>("mood");
        let everybody = "$Principal is 'client'";
        let asked = control
            .messages()
            .send_to_filter::<_, String>(everybody, "mood", &1i64);
        let (mut answers, ()) = tokio::join!(async { asked.await.unwrap() }, async {
            let request = next(&mut moods).await;
            request.responder.respond(&"merry".to_owned());
        });
        assert_eq!(answers.sent_to(), 2);
        let mut found = Vec::new();
        while let Some((session, mood)) = answers.next().await {
            found.push((session, mood.map_err(|error| error.refusal())));
        }
        let id = |session: &Session| session.info().unwrap().id;
        let nothing = Err(Some(ErrorReason::UnhandledMessage));
        assert!(found.contains(&(id(&merry), Ok("merry".to_owned()))));
        assert!(found.contains(&(id(&silent), nothing)));
        assert_eq!(found.len(), 2);

        let nobody =
            control
                .messages()
                .send_to_filter::<_, String>("$Principal is 'x'", "mood", &1i64);
        let mut nobody = nobody.await.unwrap();
        assert_eq!((nobody.sent_to(), nobody.next().await.is_none()), (0, true));
        let wrong = control
            .messages()
            .send_to_filter::<_, String>("nonsense", "mood", &1i64);
        match wrong.await {
            Err(RequestError::FilterRefused(errors)) => assert_eq!(errors.len(), 1),
            other => panic!("{other:?}"),
        }
        let denied = merry
            .messages()
            .send_to_filter::<_, String>(everybody, "mood", &1i64);
        assert_eq!(refusal(denied.await), Some(ErrorReason::AccessDenied));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn handlers_survive_a_lost_connection_and_a_lost_session() {
    local(async {
        let hub = Hub::new();
        let control = options("control").renew(Renew::WhenLost);
        let control = hub.connect(control).await.unwrap();
        let client = options("client").renew(Renew::WhenLost);
        let client = hub.connect(client).await.unwrap();
        let mut requests = control
            .messages()
            .add_request_handler::<String>("a", &[])
            .await
            .unwrap();
        let answer = ask(&client, "a", "one");
        let held: Responder = next(&mut requests).await.responder;
        hub.cut();
        settle().await;
        // Answered while there is no connection.
        held.respond(&"late".to_owned());
        assert_eq!(answer.await.as_deref(), Ok("late"));

        let answer = ask(&client, "a", "two");
        let held: Responder = next(&mut requests).await.responder;
        hub.restart();
        assert!(answer.await.is_err());
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        held.respond(&"too late".to_owned());
        let answer = ask(&client, "a", "three");
        let request = next(&mut requests).await;
        assert_eq!(request.value, "three");
        request.responder.respond(&"again".to_owned());
        assert_eq!(answer.await.as_deref(), Ok("again"));
    })
    .await;
}

/// Requests while connections are cut, by seed: each is answered rightly or fails, and none is handled twice.
#[tokio::test(start_paused = true)]
async fn requests_are_handled_once_whatever_breaks() {
    let (mut answered, mut failed) = (0, 0);
    for seed in 0..20 {
        local(async {
            let mut random = Random::new(seed);
            let hub = Hub::new();
            let control = hub.connect(options("control").renew(Renew::WhenLost));
            let control = control.await.unwrap();
            let client = hub.connect(options("client").renew(Renew::WhenLost));
            let client = client.await.unwrap();
            let handler = control.messages().add_request_handler::<i64>("next", &[]);
            let mut requests = handler.await.unwrap();
            let handled = Rc::new(RefCell::new(Vec::new()));
            let keep = Rc::clone(&handled);
            tokio::task::spawn_local(async move {
                while let Some(request) = requests.next().await {
                    keep.borrow_mut().push(request.value);
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    request.responder.respond(&(request.value + 1));
                }
            });
            let mut asked = Vec::new();
            for number in 0..40i64 {
                asked.push(client.messages().send::<_, i64>("next", &number));
                let pause = random.pick(&[0, 10, 50]);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                if random.once_in(6) {
                    hub.cut();
                }
                if random.once_in(25) {
                    hub.restart();
                }
            }
            for (number, answer) in (0..).zip(asked) {
                match answer.await {
                    Ok(next) => {
                        assert_eq!(next, number + 1, "seed {seed}");
                        assert!(handled.borrow().contains(&number));
                        answered += 1;
                    }
                    Err(_) => failed += 1,
                }
            }
            let mut handled = handled.take();
            let all = handled.len();
            handled.sort_unstable();
            handled.dedup();
            assert_eq!(
                handled.len(),
                all,
                "seed {seed}: a request was handled twice"
            );
        })
        .await;
    }
    assert!(answered > 200 && failed > 10, "{answered} {failed}");
}
