//! Those who are in a room.

use leptos::prelude::*;

use super::roster::{Listing, People, Person};
use crate::i18n::{Message, messages};
use crate::lazy;
use crate::state::{App, Dialog, use_app, use_room};
use crate::ui::{Avatar, List, Panel};

/// The panel with everybody who is in a room.
#[component]
fn Members() -> impl IntoView {
    let room = use_room();
    let (people, listed) = (room.people.clone(), room.people.clone());
    // Who is told apart by an account has a hue of their own.
    let item = move |person: Person| {
        let sender = room.look(|timeline| timeline.sender(&person.name, &person.principal));
        let account = sender.account.filter(|account| !account.is_empty());
        (sender.hue.to_string(), account, person)
    };
    let hint = move || {
        let missing = incomplete(&people.read())?;
        let hint = view! {
            <p class="hint" data-testid="listing">
                {missing}
            </p>
        };
        Some(hint.into_any())
    };
    view! {
        <Panel
            id="members"
            title=&messages::people_title
            label=&messages::common_people_in_room
            focus="members"
            opener="members-button"
        >
            {hint}
            <ul>
                <List
                    each=move || {
                        let persons = listed.read().persons();
                        persons.into_iter().map(&item).collect::<Vec<_>>()
                    }
                    key=key
                    children=|(hue, account, person)| view! { <Member person hue account /> }
                />
            </ul>
        </Panel>
    }
}

/// What tells an item of the list from others: all that it shows.
fn key((hue, account, person): &(String, Option<String>, Person)) -> String {
    let Person {
        name,
        principal,
        away,
    } = person;
    let account = account.as_deref().unwrap_or_default();
    // The lengths say where each ends, whatever it holds.
    let (named, told) = (name.len(), account.len());
    format!("{hue} {away} {named} {name} {told} {account} {principal}")
}

/// Why somebody may be missing on the list.
fn incomplete(people: &People) -> Option<&'static Message> {
    match people.listing {
        Listing::Hidden => Some(&messages::people_hidden),
        Listing::Unlisted => Some(&messages::people_unlisted),
        Listing::Listed if people.count() == 0 => Some(&messages::people_hidden),
        Listing::Listed | Listing::Unknown => None,
    }
}

/// Somebody in the room. A click shows the profile.
#[component]
fn Member(
    /// Who it is.
    person: Person,
    /// The hue of the name.
    hue: String,
    /// What tells the name from one that looks like it.
    account: Option<String>,
) -> impl IntoView {
    let app = use_app();
    let own = is_reader(app, &person).then(|| {
        view! {
            {&messages::people_you}
            " · "
        }
        .into_any()
    });
    let is_told = account.is_some() || person.principal != person.name;
    let principal = account.unwrap_or_else(|| person.principal.clone());
    let is_told = is_told && !principal.is_empty();
    let principal = is_told.then(|| {
        view! {
            <bdi data-testid="member-principal">{principal}</bdi>
            " · "
        }
        .into_any()
    });
    let away = person.away;
    let name = person.name.clone();
    let show = move |_| {
        app.profile_of.set(Some(person.clone()));
        app.dialog.set(Some(Dialog::Profile));
    };
    view! {
        <li>
            <button
                type="button"
                class="member"
                data-testid="member"
                data-name=name
                data-state=if away { "away" } else { "online" }
                on:click=show
            >
                <Avatar name=name.clone() hue />
                <span class="words">
                    <bdi data-testid="member-name">{name.clone()}</bdi>
                    <small>{own} {principal} {presence(away)}</small>
                </span>
            </button>
        </li>
    }
}

/// Whether somebody looks at one of their windows, in a word.
pub(super) fn presence(away: bool) -> &'static Message {
    if away {
        &messages::common_away
    } else {
        &messages::common_online
    }
}

/// Whether somebody is the reader.
pub(super) fn is_reader(app: App, person: &Person) -> bool {
    let me = app.me.read_untracked();
    me.as_ref()
        .is_some_and(|me| me.name == person.name && me.credentials.principal == person.principal)
}

lazy! { room, pub fn members() => view! { <Members /> } }
