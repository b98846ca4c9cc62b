//! Going by another name, without signing in again.

use super::{link, memory, people};
use crate::i18n::Message;
use crate::model::form::Field;
use crate::state::App;
use leptos::prelude::*;

/// Messages bear this name from now on. The session stays what it is.
///
/// # Errors
/// What is wrong with the name.
pub fn rename(app: App, name: &str) -> Result<(), &'static Message> {
    let mut form = app.form.read_untracked().clone();
    form.set(Field::Name, name.to_owned());
    if let Err(problems) = form.sign_in()
        && let Some((_, problem)) = problems.iter().find(|(field, _)| *field == Field::Name)
    {
        return Err(problem);
    }
    let Some(mut me) = app.me.read_untracked().clone() else {
        return Ok(());
    };
    // What it signs in as is no longer the name, if it was.
    form.set(Field::Account, me.credentials.principal.clone());
    me.name = name.to_owned();
    app.form.set(form);
    let reader = link::reader(&me);
    let (rooms, direct) = (app.rooms.read_untracked(), app.direct.read_untracked());
    for open in rooms.iter().chain(direct.iter()) {
        open.change(|timeline| timeline.set_reader(reader.clone()));
    }
    memory::signed_in(app, &me);
    app.me.set(Some(me));
    people::renamed();
    Ok(())
}
