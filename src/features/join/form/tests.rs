use super::*;
use crate::features::join::query;

fn filled() -> Form {
    let mut form = Form::default();
    form.set(Field::Name, " Ann ".to_owned());
    form
}

fn type_in(form: &mut Form, field: Field, text: &str) {
    form.set(field, text.to_owned());
}

fn wrong(form: &Form) -> Vec<Field> {
    form.join()
        .unwrap_err()
        .into_iter()
        .map(|(field, _)| field)
        .collect()
}

#[test]
fn a_name_is_all_it_takes_on_a_sandbox() {
    let (sign_in, room) = filled().join().unwrap();
    assert_eq!(sign_in.name, "Ann");
    assert_eq!(sign_in.credentials, Credentials::new("user", "password"));
    assert_eq!(sign_in.service.address(), "127.0.0.1:8080");
    assert_eq!(room.name.as_str(), "Default room");
    assert_eq!(room.kind, RoomKind::History);
}

#[test]
fn the_service_in_this_browser_is_chosen_by_a_word() {
    let mut form = filled();
    form.apply(&query::parse("host=chat.example&port=443&secure=true"));
    assert!(!form.is_shared() && !form.is_in_browser());
    form.apply(&query::parse("service=browser&room=Tea"));
    assert!(form.is_in_browser());
    assert!(form.is_shared(), "it has the sandbox's accounts");
    let (sign_in, _) = form.join().unwrap();
    assert_eq!(sign_in.service, Service::in_browser());

    // What is stored leads back to it, and keeps the host for whoever chooses another service.
    let mut stored = filled();
    stored.apply(&form.to_pairs());
    assert!(stored.is_in_browser());
    assert_eq!(stored.text(Field::Host), "chat.example");

    // An address with a host means that host, and its password is nobody else's.
    stored.apply(&query::parse("host=chat.example"));
    assert!(!stored.is_in_browser() && !stored.is_shared());
    assert_eq!(stored.text(Field::Password), "");
}

#[test]
fn a_kept_password_stays_with_the_service_in_this_browser() {
    let mut form = filled();
    form.set_in_browser(true);
    type_in(&mut form, Field::Password, "secret");
    let (sign_in, _) = form.join().unwrap();
    let kept = KeptPassword::of(&sign_in);
    let mut again = filled();
    again.set_in_browser(true);
    again.set(Field::Account, "Ann".to_owned());
    again.recall(&kept);
    assert_eq!(again.text(Field::Password), "secret");
    again.set_in_browser(false);
    assert_ne!(again.text(Field::Password), "secret");
}

#[test]
fn a_room_that_nobody_named_is_the_tutorials_of_its_kind() {
    let mut form = filled();
    assert_eq!(form.text(Field::Room), "Default room");
    form.set_kind(RoomKind::Live);
    assert_eq!(form.text(Field::Room), "Default Room");
    form.set_kind(RoomKind::History);
    assert_eq!(form.text(Field::Room), "Default room");
    type_in(&mut form, Field::Room, "Red");
    form.set_kind(RoomKind::Live);
    assert_eq!(form.text(Field::Room), "Red");
    let mut form = filled();
    form.apply(&query::parse("kind=live"));
    assert_eq!(form.text(Field::Room), "Default Room");
    // Whoever names a room means it.
    form.apply(&query::parse("room=Default+Room&kind=history"));
    assert_eq!(form.text(Field::Room), "Default Room");
    assert_eq!(form.kind(), RoomKind::History);
}

#[test]
fn a_held_password_is_not_remembered() {
    let mut form = filled();
    type_in(&mut form, Field::Account, "ann");
    let mut signed_in = form.clone();
    type_in(&mut signed_in, Field::Password, "secret");
    let held = KeptPassword::of(&signed_in.sign_in().unwrap());
    form.recall_held(&held);
    assert_eq!(form.sign_in(), signed_in.sign_in());
    assert!(!form.remember);
    // It stays with its account and its service.
    let mut other = filled();
    type_in(&mut other, Field::Account, "bob");
    other.recall_held(&held);
    assert_eq!(other.text(Field::Account), "bob");
    assert_ne!(other.text(Field::Password), "secret");
}

#[test]
fn whoever_types_a_password_signs_in_under_their_name() {
    let mut form = filled();
    type_in(&mut form, Field::Password, "password");
    assert!(form.is_shared(), "nothing changed");
    type_in(&mut form, Field::Password, "secret");
    assert!(!form.is_shared());
    assert_eq!(form.join().unwrap().0.credentials.principal, "Ann");
    type_in(&mut form, Field::Account, "ann@example");
    assert_eq!(form.join().unwrap().0.credentials.principal, "ann@example");
    assert!(form.may_share());
    form.share();
    assert_eq!(form.join().unwrap().0.credentials.principal, "user");
}

#[test]
fn the_public_password_never_goes_to_another_machine() {
    let mut form = filled();
    type_in(&mut form, Field::Host, "chat.example");
    assert_eq!(form.text(Field::Password), "");
    assert_eq!(form.text(Field::Account), "");
    assert_eq!(form.text(Field::RegistrarPassword), "");
    assert!(!form.may_share());
    assert_eq!(wrong(&form), [Field::Password]);
    type_in(&mut form, Field::Host, "localhost");
    assert!(form.is_shared());
    assert_eq!(form.text(Field::Registrar), "auth-handler");

    type_in(&mut form, Field::Password, "mine");
    type_in(&mut form, Field::Registrar, "admin");
    type_in(&mut form, Field::Host, "chat.example");
    let password = form.text(Field::Password);
    assert_eq!(password, "mine", "what somebody typed stays");
    assert_eq!(form.text(Field::Registrar), "admin");
}

#[test]
fn an_address_fills_in_everything_but_passwords() {
    let mut form = Form::default();
    let query = "?host=chat.example&port=443&secure=true&room=Tea+%2F+cake&name=Ann&kind=live&version=18&password=p&registrar=x&roles=y";
    form.apply(&query::parse(query));
    assert_eq!(form.text(Field::Password), "");
    assert_eq!(form.text(Field::Registrar), "");
    assert_eq!(form.text(Field::Room), "Tea / cake");
    assert_eq!(form.kind(), RoomKind::Live);
    assert!(form.secure);
    assert_eq!(form.service().unwrap().version, Some(18));

    let mut other = Form::default();
    other.apply(&form.to_pairs());
    assert_eq!(other, form);
}

#[test]
fn an_account_from_an_address_does_not_get_the_public_password() {
    let mut form = Form::default();
    form.apply(&query::parse("account=ann&kind=sideways&secure=0"));
    assert_eq!(form.text(Field::Account), "ann");
    assert_eq!(form.text(Field::Password), "");
    assert_eq!(form.kind(), RoomKind::History);
    assert!(!form.secure);
    form.apply(&query::parse("account=user&host=localhost"));
    assert_eq!(form.text(Field::Password), "");
}

#[test]
fn every_wrong_field_is_named() {
    let mut form = filled();
    for name in ["", " ", "system", &"x".repeat(65)] {
        type_in(&mut form, Field::Name, name);
        assert_eq!(wrong(&form), [Field::Name], "{name}");
    }
    type_in(&mut form, Field::Password, "");
    type_in(&mut form, Field::Port, "x");
    type_in(&mut form, Field::Room, "a//b");
    let all = [Field::Name, Field::Password, Field::Port, Field::Room];
    assert_eq!(wrong(&form), all);
}

#[test]
fn an_account_needs_the_same_password_twice() {
    let mut form = Form::default();
    type_in(&mut form, Field::NewAccount, "ann");
    type_in(&mut form, Field::NewPassword, "secret");
    type_in(&mut form, Field::Again, "secre");
    assert_eq!(form.new_account().unwrap_err()[0].0, Field::Again);
    type_in(&mut form, Field::Again, "secret");
    form.roles[5] = true;
    let account = form.new_account().unwrap();
    assert_eq!(account.registrar.principal, "auth-handler");
    assert_eq!(account.roles, ["CLIENT", "TOPIC_CONTROL", "ADMINISTRATOR"]);
    type_in(&mut form, Field::Registrar, "");
    assert_eq!(form.new_account().unwrap_err()[0].0, Field::Registrar);

    form.use_new_account();
    let sign_in = form.sign_in().unwrap();
    assert_eq!(sign_in.name, "ann");
    assert_eq!(sign_in.credentials, Credentials::new("ann", "secret"));
    assert_eq!(form.text(Field::Again), "");
}

#[test]
fn credentials_do_not_show_their_password() {
    let credentials = Credentials::new("ann", "secret");
    assert_eq!(format!("{credentials:?}"), "ann");
}

/// A form for a service with TLS, and the password that was kept for it.
fn with_kept_password() -> (Form, KeptPassword) {
    let mut form = filled();
    form.set_service(&Service {
        host: "chat.example".to_owned(),
        port: 443,
        secure: true,
        ..Service::default()
    });
    type_in(&mut form, Field::Account, "ann");
    type_in(&mut form, Field::Password, "secret");
    let kept = KeptPassword::of(&form.sign_in().unwrap());
    type_in(&mut form, Field::Password, "");
    (form, kept)
}

#[test]
fn a_kept_password_is_for_its_service_and_account_and_never_without_tls() {
    let (form, kept) = with_kept_password();
    let recalled = |query: &str| {
        let mut form = form.clone();
        form.apply(&query::parse(query));
        form.recall(&kept);
        (form.text(Field::Password).to_owned(), form.remember)
    };
    assert_eq!(recalled(""), ("secret".to_owned(), true));
    assert_eq!(recalled("account="), ("secret".to_owned(), true));
    for query in [
        "secure=false",
        "secure=0",
        "port=80",
        "port=x",
        "host=chat.example.",
        "host=evil.example",
        "host=chat.example&host=evil.example",
        "account=bob",
        "host=chat.example:443@evil.example",
    ] {
        assert_eq!(recalled(query), (String::new(), false), "{query}");
    }
}

#[test]
fn a_kept_password_goes_when_another_service_is_filled_in() {
    let (form, kept) = with_kept_password();
    let changes: [fn(&mut Form); 5] = [
        |form| type_in(form, Field::Host, "evil.example"),
        |form| type_in(form, Field::Port, "80"),
        |form| form.set_secure(false),
        |form| form.apply(&query::parse("secure=false")),
        |form| form.set_service(&Service::default()),
    ];
    for change in changes {
        let mut form = form.clone();
        form.recall(&kept);
        assert_eq!(form.text(Field::Password), "secret");
        change(&mut form);
        assert_ne!(form.text(Field::Password), "secret");
    }
    // What somebody types is theirs to send.
    let mut form = form;
    form.recall(&kept);
    type_in(&mut form, Field::Password, "typed");
    form.set_secure(false);
    assert_eq!(form.text(Field::Password), "typed");
}

#[test]
fn a_kept_password_is_read_back_also_from_earlier_versions() {
    let (_, kept) = with_kept_password();
    let mut stored = query::parse(&query::format(kept.to_pairs()));
    assert_eq!(KeptPassword::parse(&stored, &[]), Some(kept.clone()));
    stored.retain(|(name, _)| name != "secure");
    let earlier = stored;
    let read = |settings| KeptPassword::parse(&earlier, &query::parse(settings));
    assert_eq!(read("secure=true"), Some(kept.clone()));
    assert_ne!(read("secure=false").unwrap(), kept);
    assert_eq!(KeptPassword::parse(&earlier, &[]), None);
    assert_eq!(KeptPassword::parse(&[], &[]), None);
}
