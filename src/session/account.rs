//! Making an account: a change to the service's authentication store, as in Lesson 3.

use effusion_client::{AuthenticationScript, Renew, RequestError};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{fault, inside, link};
use crate::model::fault::{Fault, Right};
use crate::model::form::{NewAccount, SignIn};
use crate::state::{App, Screen};

/// Makes an account by the registrar's session, and leads its owner into the chat.
pub fn create_account(app: App, account: NewAccount) {
    link::begin(app);
    spawn_local(async move {
        match create(account).await {
            Ok(()) => {
                app.form.update(|form| form.use_new_account());
                let joined = app.form.read_untracked().join();
                match joined {
                    Ok((sign_in, room)) => return link::join(app, sign_in, room),
                    // The room's name is missing: there is a field for it on the join page.
                    Err(_) => app.go(Screen::Join),
                }
            }
            Err(fault) => app.fault.set(Some(fault)),
        }
        app.busy.set(false);
    });
}

async fn create(account: NewAccount) -> Result<(), Fault> {
    let NewAccount {
        credentials,
        registrar,
        service,
        roles,
    } = account;
    let sign_in = SignIn {
        name: registrar.principal.clone(),
        credentials: registrar,
        service,
    };
    let session = link::connect(&sign_in, Renew::Never).await?;
    inside::record(&session);
    let script = AuthenticationScript::new().add_principal(
        &credentials.principal,
        &credentials.password,
        &roles,
    );
    let done = session
        .security()
        .update_authentication_store(&script)
        .await;
    session.close().await;
    done.map_err(|error| {
        let RequestError::ScriptRefused(errors) = error else {
            return fault::of_request(error, Right::Register);
        };
        let reasons: Vec<String> = errors.into_iter().map(|error| error.message).collect();
        let reason = reasons.join("; ");
        // The service's reason has no code; both Diffusion's words and the sandbox's say so.
        if reason.contains("exists") {
            Fault::AccountExists(credentials.principal)
        } else {
            Fault::AccountRefused(reason)
        }
    })
}
