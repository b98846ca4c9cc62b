//! Making a principal's rights on the service what the log says they are.

use effusion_chat::moderation::{
    Ledger, restrict_script, restricted_role, roles_script, sessions_of,
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
/// store, so that it holds for sessions to come, and for those that are open. Doing it again does no harm.
pub(crate) async fn apply(
    session: &Session,
    ledger: &Ledger,
    principal: &str,
    before: &[String],
) -> Result<(), Failure> {
    let own = restricted_role(principal);
    let restrictions = ledger.restrictions(principal);
    let locked = ledger.is_locked(principal);
    let roles = if locked {
        Vec::new()
    } else if restrictions.is_empty() {
        before.to_vec()
    } else {
        vec![own.clone()]
    };
    let mut lifted = ledger.rooms_of(principal);
    lifted.retain(|room| restrictions.iter().all(|(kept, _)| kept != room));
    // The role first: whoever has it must not have more than it will allow.
    session
        .security()
        .update_security_store(&restrict_script(principal, &restrictions, &lifted))
        .await
        .map_err(Failure::of("changing the rights of a role"))?;
    session
        .security()
        .update_authentication_store(&roles_script(principal, &roles))
        .await
        .map_err(Failure::of("changing the roles of an account"))?;
    let sessions = sessions_of(principal);
    if locked {
        session
            .clients()
            .close_by_filter(&sessions)
            .await
            .map_err(Failure::of("closing sessions"))?;
        return Ok(());
    }
    let mut others: Vec<&str> = before.iter().map(String::as_str).collect();
    others.push(&own);
    others.retain(|role| !roles.iter().any(|kept| kept == role));
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    session
        .clients()
        .change_roles_by_filter(&sessions, &roles, &others)
        .await
        .map_err(Failure::of("changing the roles of sessions"))?;
    Ok(())
}
