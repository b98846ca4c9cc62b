//! Those who are in a room.

use leptos::prelude::*;

use super::roster::{Listing, Person};
use crate::i18n::{Text, messages, use_i18n};
use crate::state::{App, Dialog, OpenRoom, use_app};
use crate::ui::{Avatar, Panel};
use crate::{lazy, t, text};

/// The panel with everybody who is in a room.
#[component]
pub fn Members(
    /// The room.
    room: OpenRoom,
) -> impl IntoView {
    let i18n = use_i18n();
    let (people, listed) = (room.people.clone(), room.people.clone());
    let hue = move |person: &Person| {
        let sender = room.look(|timeline| timeline.sender(&person.name, &person.principal));
        sender.hue.to_string()
    };
    view! {
        <Panel
            id="members"
            title=&messages::people_title
            label=&messages::common_people_in_room
            focus="members"
            opener="members-button"
        >
            {move || {
                incomplete(&people.read())
                    .map(|text| {
                        view! {
                            <p class="hint" data-testid="listing">
                                {move || i18n.show(&text)}
                            </p>
                        }
                            .into_any()
                    })
            }}
            <ul>
                // Who is told apart by an account has a hue of their own.
                <For
                    each=move || {
                        let persons = listed.read().persons();
                        persons.into_iter().map(|person| (hue(&person), person)).collect::<Vec<_>>()
                    }
                    key=|member| member.clone()
                    children=|(hue, person)| view! { <Member person hue /> }
                />
            </ul>
        </Panel>
    }
}

/// Why somebody may be missing on the list.
fn incomplete(people: &super::roster::People) -> Option<Text> {
    match people.listing {
        Listing::Hidden => Some(text!(people_hidden)),
        Listing::Unlisted => Some(text!(people_unlisted)),
        Listing::Listed if people.count() == 0 => Some(text!(people_hidden)),
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
) -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    let own = is_reader(app, &person);
    let principal = (person.principal != person.name && !person.principal.is_empty())
        .then(|| person.principal.clone());
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
                <Avatar name=name.clone() hue=Signal::stored(hue) />
                <span class="words">
                    <bdi data-testid="member-name">{name.clone()}</bdi>
                    <small>
                        {own
                            .then(|| {
                                view! {
                                    {&messages::people_you}
                                    " · "
                                }
                                    .into_any()
                            })}
                        {principal
                            .map(|principal| {
                                view! {
                                    <bdi data-testid="member-principal">{principal}</bdi>
                                    " · "
                                }
                                    .into_any()
                            })} {move || presence(i18n, away)}
                    </small>
                </span>
            </button>
        </li>
    }
}

/// Whether somebody looks at one of their windows, in a word.
pub(super) fn presence(i18n: crate::i18n::I18n, away: bool) -> String {
    if away {
        t!(i18n, common_away)
    } else {
        t!(i18n, common_online)
    }
}

/// Whether somebody is the reader.
pub(super) fn is_reader(app: App, person: &Person) -> bool {
    let me = app.me.read_untracked();
    me.as_ref()
        .is_some_and(|me| me.name == person.name && me.credentials.principal == person.principal)
}

lazy! {
    room,
    /// The panel with everybody who is in a room.
    pub fn members(room: OpenRoom) => view! { <Members room/> }
}
