//! Brings a principal's rights on the service in line with the log.

use effusion_chat::moderation::{
    CannotRestrict, Ledger, restrict_script, restricted_role, roles_script, sessions_of,
    sessions_with,
};
use effusion_client::Session;

use crate::Failure;

/// The roles that a principal has in the authentication store.
pub(crate) async fn roles_of(session: &Session, principal: &str) -> Result<Vec<String>, Failure> {
    let store = session
        .security()
        .authentication_store()
        .await
        .map_err(Failure::of("looking up the account"))?;
    let known = store.principals.into_iter().find(|p| p.name == principal);
    known
        .map(|principal| principal.roles)
        .ok_or_else(|| Failure::NoPrincipal(principal.to_owned()))
}

/// Gives a principal the roles that follow from the log, `before` being those it had before anything was taken from it: in the
/// store, so that it holds for sessions to come, and for those that are open. It is idempotent.
pub(crate) async fn apply(
    session: &Session,
    ledger: &Ledger,
    principal: &str,
    before: &[String],
) -> Result<(), Failure> {
    let own = restricted_role(principal);
    let restrictions = ledger.restrictions(principal);
    let is_locked = ledger.is_locked(principal);
    let roles = if is_locked {
        Vec::new()
    } else if restrictions.is_empty() {
        before.to_vec()
    } else {
        vec![own.clone()]
    };
    let security = session.security();
    let store = security
        .security_store()
        .await
        .map_err(Failure::of("looking up what roles may do"))?;
    let script = restrict_script(principal, before, &restrictions, &store)
        .map_err(|CannotRestrict(room)| Failure::NotToRestrict(room))?;
    // The role is changed first: nobody who has it may have more than it will allow.
    let lifts = restrictions.is_empty();
    if !lifts {
        change_role(session, &script).await?;
    }
    security
        .update_authentication_store(&roles_script(principal, &roles))
        .await
        .map_err(Failure::of("changing the roles of an account"))?;
    if is_locked {
        close(session, &sessions_of(principal)).await?;
        return if lifts {
            change_role(session, &script).await
        } else {
            Ok(())
        };
    }
    // What a session has besides its account's roles was given to it alone, or came with a token: to have the role in their place
    // might be more. Such sessions end where something is withdrawn, and are left alone where all is given back.
    let everyones = |own: &[String]| [own, &store.named_roles].concat();
    let mut known = vec![everyones(before), everyones(std::slice::from_ref(&own))];
    if lifts {
        // Opened while the account was locked.
        known.extend([everyones(&[]), Vec::new()]);
    }
    let (known, unknown) = sessions_with(principal, &known);
    if !lifts {
        close(session, &unknown).await?;
    }
    let mut others: Vec<&str> = before.iter().map(String::as_str).collect();
    others.push(&own);
    // The account's roles go, but not those that everyone has.
    others.retain(|role| {
        !roles
            .iter()
            .chain(&store.named_roles)
            .any(|kept| kept == role)
    });
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    session
        .clients()
        .change_roles_by_filter(&known, &roles, &others)
        .await
        .map_err(Failure::of("changing the roles of sessions"))?;
    if lifts {
        change_role(session, &script).await?;
    }
    Ok(())
}

async fn change_role(session: &Session, script: &str) -> Result<(), Failure> {
    session
        .security()
        .update_security_store(script)
        .await
        .map_err(Failure::of("changing the rights of a role"))
}

async fn close(session: &Session, filter: &str) -> Result<(), Failure> {
    session
        .clients()
        .close_by_filter(filter)
        .await
        .map_err(Failure::of("closing sessions"))?;
    Ok(())
}
