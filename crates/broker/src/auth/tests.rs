//! Authentication and rights alone: no session, no hash function, no store.

use effusion_protocol::body::{AuthenticatorResponse, GlobalPermission, Properties};
use effusion_protocol::script::AuthenticationScript;
use effusion_protocol::{ConversationId, Credentials, ResponseCode};

use super::*;
use crate::caller::Caller;
use crate::turns::Account;
use crate::{AttemptLimits, Completion, Output, Secret, StoreOp, Ticket, TokenClaims};

const SESSION: SessionKey = SessionKey(7);

fn auth(handlers: &[AuthenticationHandler]) -> Auth {
    let principal = |name: &str, role: &str| Principal {
        name: name.to_owned(),
        password_hash: format!("hash of {name}"),
        roles: Some(role.to_owned())
            .filter(|role| !role.is_empty())
            .into_iter()
            .collect(),
        locked_by: None,
        revoked_ms: None,
    };
    let policy = AuthenticationPolicy {
        anonymous: AnonymousPolicy::Allow(["GUEST".to_owned()].into()),
        revoked: [("ann".to_owned(), 1_000)].into(),
        ..AuthenticationPolicy::default()
    };
    let principals = vec![principal("ann", "CLIENT"), principal("locked", "")];
    let security = SecurityStore {
        roles: [(
            "NAMED".to_owned(),
            Role {
                global: [GlobalPermission::ViewSession].into(),
                ..Role::default()
            },
        )]
        .into(),
        named_roles: ["NAMED".to_owned()].into(),
        ..SecurityStore::default()
    };
    let config = Config {
        authentication: handlers.to_vec(),
        attempts: AttemptLimits {
            free: 1,
            ..AttemptLimits::default()
        },
        ..Config::new([1; 32])
    };
    Auth::new(&config, Accounts::new(principals, policy), security)
}

fn candidate(principal: Option<&str>, credentials: Credentials) -> Candidate {
    let purpose = Purpose::Change(Caller::test(SESSION, 1));
    let principal = principal.map(str::to_owned);
    Candidate::new(purpose, principal, credentials, Properties::new())
}

fn password(text: &str) -> Credentials {
    Credentials::Password(text.to_owned())
}

fn at(now: u64) -> Situation<'static> {
    Situation {
        now,
        is_connected: &|_| true,
    }
}

/// Has a candidate's password checked, and says what it is checked against.
fn check(auth: &mut Auth, decision: Decision) -> (Box<Candidate>, Option<String>) {
    let Decision::Check(mut candidate, check) = decision else {
        panic!("{decision:?}");
    };
    let account = Account::new("10.0.0.1", candidate.principal.as_deref());
    let dropped = auth.queue(account, Ticket(1), check);
    assert_eq!(dropped, None);
    let job = auth.next_check().unwrap();
    let Output::Verify { hash, .. } = auth.begin_check(Some(&mut candidate), job) else {
        panic!();
    };
    auth.check_done();
    (candidate, hash)
}

fn roles(decision: &Decision) -> Vec<&str> {
    match decision {
        Decision::Allow(_, admission) => admission.roles.iter().map(String::as_str).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_store_lets_in_by_password_and_as_nobody() {
    let mut auth = auth(&[AuthenticationHandler::Store]);
    let decision = auth.begin(candidate(None, Credentials::None), "10.0.0.1", at(0));
    assert_eq!(roles(&decision), ["GUEST"]);
    let decision = auth.begin(candidate(Some("ann"), password("a")), "10.0.0.1", at(0));
    let (candidate, hash) = check(&mut auth, decision);
    assert_eq!(hash.as_deref(), Some("hash of ann"));
    let decision = auth.password_checked(candidate, Ok(true), at(0));
    assert_eq!(roles(&decision), ["CLIENT", "NAMED"]);
    let Decision::Allow(_, admission) = decision else {
        panic!();
    };
    assert!(admission.rights.has_global(GlobalPermission::ViewSession));
}

#[test]
fn wrong_passwords_make_the_next_attempt_wait() {
    let mut auth = auth(&[AuthenticationHandler::Store]);
    let wrong = || candidate(Some("ann"), password("wrong"));
    let decision = auth.begin(wrong(), "10.0.0.1", at(0));
    let (candidate, _) = check(&mut auth, decision);
    let decision = auth.password_checked(candidate, Ok(false), at(0));
    let failed = ResponseCode::AuthenticationFailed;
    assert!(matches!(decision, Decision::Deny(_, code) if code == failed));
    let decision = auth.begin(wrong(), "10.0.0.1", at(0));
    assert!(matches!(decision, Decision::Wait(_, wait) if wait > 0));
    let decision = auth.begin(wrong(), "10.0.0.1", at(60_000));
    assert!(matches!(decision, Decision::Check(..)));
}

#[test]
fn a_client_is_asked_that_is_there_and_the_store_after_it_abstains() {
    let name = || "handler".to_owned();
    let mut auth = auth(&[
        AuthenticationHandler::Client(name()),
        AuthenticationHandler::Store,
    ]);
    assert!(
        auth.add_authenticator(SESSION, "other".to_owned(), ConversationId(1))
            .is_err()
    );
    auth.add_authenticator(SESSION, name(), ConversationId(1))
        .unwrap();
    assert!(
        auth.add_authenticator(SESSION, name(), ConversationId(2))
            .is_err()
    );
    let ann = || candidate(Some("ann"), password("a"));
    let away = Situation {
        now: 0,
        is_connected: &|_| false,
    };
    let decision = auth.begin(ann(), "10.0.0.1", away);
    assert!(matches!(decision, Decision::Check(_, Check::Password)));
    let decision = auth.begin(ann(), "10.0.0.1", at(0));
    let Decision::Ask(asked, SESSION, ConversationId(1)) = decision else {
        panic!("{decision:?}");
    };
    let decision = auth.authenticator_decided(asked, Ok(AuthenticatorResponse::Abstain), at(0));
    assert!(matches!(decision, Decision::Check(_, Check::Password)));
    let Decision::Ask(asked, ..) = auth.begin(ann(), "10.0.0.1", at(0)) else {
        panic!();
    };
    let allowed = vec![("$Roles".to_owned(), "\"A\",\"B\"".to_owned())];
    let result = Ok(AuthenticatorResponse::Allow(allowed));
    let decision = auth.authenticator_decided(asked, result, at(0));
    assert_eq!(roles(&decision), ["A", "B", "NAMED"]);
    assert_eq!(auth.end_authenticators(SESSION).len(), 1);
    let decision = auth.begin(ann(), "10.0.0.1", at(0));
    assert!(matches!(decision, Decision::Check(..)));
}

#[test]
fn a_jwt_that_was_taken_back_is_not_believed() {
    let mut auth = auth(&[AuthenticationHandler::Token, AuthenticationHandler::Store]);
    let jwt = || password("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln");
    let claims = |subject: &str, issued_ms| TokenClaims {
        subject: subject.to_owned(),
        roles: ["CLIENT".to_owned(), "R".to_owned()].into(),
        issued_ms: Some(issued_ms),
        expires_ms: 9_000,
    };
    let mut decide = |claims| match auth.begin(candidate(None, jwt()), "10.0.0.1", at(0)) {
        Decision::Check(candidate, Check::Jwt(_)) => {
            auth.jwt_checked(*candidate, Ok(claims), at(0))
        }
        other => panic!("{other:?}"),
    };
    for claims in [
        None,
        Some(claims("ann", 1_000)),
        Some(claims("locked", 2_000)),
        Some(claims("", 2_000)),
    ] {
        assert!(matches!(decide(claims), Decision::Deny(..)));
    }
    // No role that her account does not have.
    let ann = decide(Some(claims("ann", 1_001)));
    assert_eq!(roles(&ann), ["CLIENT", "NAMED"]);
    let nobody = decide(Some(claims("no account", 1_001)));
    assert_eq!(roles(&nobody), ["CLIENT", "NAMED", "R"]);
}

#[test]
fn one_script_runs_at_a_time_and_counts_once_it_is_stored() {
    let mut auth = auth(&[AuthenticationHandler::Store]);
    for number in 1..=2 {
        let text = "add principal 'bob' 'secret' ['CLIENT']";
        let commands = AuthenticationScript::parse_placed(text).unwrap();
        auth.queue_script(Script {
            caller: Caller::test(SESSION, number),
            commands: Commands::Authentication(commands),
        });
    }
    let script = auth.next_script().unwrap();
    assert!(auth.next_script().is_none());
    let ScriptStep::Wait(stage, Waiting::Check(check)) = auth.run_script(script, None, 0) else {
        panic!();
    };
    assert_eq!(check, Check::Hash(Secret::new("secret".to_owned())));
    let hashed = Completion::Hashed(Ok("hash".to_owned()));
    let ScriptStep::Wait(stage, Waiting::Store(operations)) = auth.continue_script(*stage, hashed)
    else {
        panic!();
    };
    assert!(matches!(operations.as_slice(), [StoreOp::PutPrincipal(_)]));
    assert!(auth.accounts().get("bob").is_none());
    let step = auth.continue_script(*stage, Completion::Stored(Ok(())));
    assert!(matches!(step, ScriptStep::Accounts(_, ended) if ended.is_empty()));
    assert!(auth.accounts().get("bob").is_some());
    auth.script_done();
    // There is a principal of this name by now.
    let script = auth.next_script().unwrap();
    let step = auth.run_script(script, None, 0);
    assert!(matches!(step, ScriptStep::Mistakes(_, mistakes) if mistakes.len() == 1));
}

#[test]
fn a_session_signs_in_once_at_a_time() {
    let mut auth = auth(&[]);
    auth.begin_change(SESSION).unwrap();
    assert!(auth.begin_change(SESSION).is_err());
    auth.end_change(SESSION);
    auth.begin_change(SESSION).unwrap();
    auth.remove_session(SESSION);
    auth.begin_change(SESSION).unwrap();
}

#[test]
fn the_creator_of_a_topic_has_no_rights_once_its_account_is_locked() {
    let mut auth = auth(&[]);
    let creator = |principal: &str| Creator {
        roles: ["NAMED".to_owned()].into(),
        principal: Some(principal.to_owned()),
        ..Creator::default()
    };
    let mut may_view = |principal| {
        let rights = auth.rights_of_creator(&creator(principal));
        rights.has_global(GlobalPermission::ViewSession)
    };
    assert!(may_view("ann") && may_view("unknown"));
    assert!(!may_view("locked"));
}
