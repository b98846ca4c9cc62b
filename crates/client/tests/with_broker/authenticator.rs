//! A session that decides who may open one.

use std::rc::Rc;

use effusion_client::{Credentials, ErrorReason, Renew, RequestError, SessionState};
use futures_util::StreamExt as _;

use super::hub::{Hub, options};
use super::session::{local, refusal};

#[tokio::test(start_paused = true)]
async fn an_authenticator_allows_denies_and_abstains() {
    local(async {
        let hub = Hub::new();
        let control = hub.session("control").await;
        let name = "before-system-handler";
        let requests = control.security().set_authenticator(name).await;
        let mut requests = requests.unwrap();
        let asked = Rc::new(std::cell::RefCell::new(Vec::new()));
        let keep = Rc::clone(&asked);
        let deciding = tokio::task::spawn_local(async move {
            while let Some(request) = requests.next().await {
                keep.borrow_mut().push(request.principal.clone());
                assert!(
                    request
                        .properties
                        .iter()
                        .any(|(key, _)| key == "$SessionId" || key == "$ClientIP")
                );
                match (request.principal.as_str(), request.credentials) {
                    ("admin", _) => request.responder.deny(),
                    ("ann", Credentials::Password(word)) if word == "sesame" => {
                        let roles = ("$Roles", "\"CLIENT\" \"TOPIC_CONTROL\"");
                        request.responder.allow(&[roles, ("Team", "blue")]);
                    }
                    ("silent", _) => drop(request.responder),
                    _ => request.responder.abstain(),
                }
            }
        });
        let ann = hub
            .connect(options("ann").password("sesame"))
            .await
            .unwrap();
        let own = ann.clients().own_properties(&["Team", "$Roles"]).await;
        let own = own.unwrap().unwrap();
        assert!(
            own.contains(&("Team".to_owned(), "blue".to_owned())),
            "{own:?}"
        );
        assert!(own.iter().any(|(_, value)| value.contains("TOPIC_CONTROL")));
        // The store does not know her.
        let wrong = hub.connect(options("ann").password("x")).await;
        assert!(wrong.unwrap_err().is_authentication_failure());
        let denied = hub.connect(options("admin")).await;
        assert!(denied.unwrap_err().is_authentication_failure());
        let silent = hub.connect(options("silent")).await;
        assert!(silent.unwrap_err().is_authentication_failure());
        assert!(hub.connect(options("client")).await.is_ok());
        assert_eq!(asked.take(), ["ann", "ann", "admin", "silent", "client"]);

        deciding.abort();
        let _ = deciding.await;
        assert!(hub.connect(options("admin")).await.is_ok());
    })
    .await;
}

/// A token that expires is replaced while the session goes on.
#[tokio::test(start_paused = true)]
async fn a_session_reconnects_with_newer_credentials() {
    local(async {
        let hub = Hub::new();
        let control = hub.session("control").await;
        let name = "before-system-handler";
        let mut asked = control.security().set_authenticator(name).await.unwrap();
        let good = Rc::new(std::cell::Cell::new(b'1'));
        let now = Rc::clone(&good);
        tokio::task::spawn_local(async move {
            while let Some(request) = asked.next().await {
                match request.credentials {
                    Credentials::Custom(token) if token.as_ref() == [now.get()] => {
                        request.responder.allow(&[]);
                    }
                    Credentials::Custom(_) => request.responder.deny(),
                    _ => request.responder.abstain(),
                }
            }
        });
        let token = |number: u8| Credentials::Custom(vec![number].into());
        let bearer = options("ann").credentials(token(b'1')).renew(Renew::Always);
        let ann = hub.connect(bearer).await.unwrap();
        good.set(b'2');
        assert!(
            hub.connect(options("ann").credentials(token(b'1')))
                .await
                .is_err()
        );
        ann.reconnect_as("ann", token(b'2'));
        let mut states = ann.states();
        let before = ann.info().unwrap().id;
        control.clients().close(before).await.unwrap();
        while !matches!(states.next().await, Some(SessionState::Recovering { .. })) {}
        ann.ping().await.unwrap();
        assert_ne!(ann.info().unwrap().id, before);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn becoming_an_authenticator_may_be_refused() {
    local(async {
        let hub = Hub::new();
        let client = hub.session("client").await;
        let name = "before-system-handler";
        let denied = client.security().set_authenticator(name).await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
        let control = hub.session("control").await;
        let unknown = control.security().set_authenticator("nobody").await;
        assert!(matches!(unknown, Err(RequestError::Refused(_))));
        let mut first = control.security().set_authenticator(name).await.unwrap();
        let conflict = control.security().set_authenticator(name).await;
        assert_eq!(refusal(conflict), Some(ErrorReason::HandlerConflict));
        // The first one still decides.
        let (admin, ()) = tokio::join!(hub.connect(options("admin")), async {
            first.next().await.unwrap().responder.deny();
        });
        assert!(admin.unwrap_err().is_authentication_failure());
        control.close().await;
        assert!(first.next().await.is_none());
    })
    .await;
}
