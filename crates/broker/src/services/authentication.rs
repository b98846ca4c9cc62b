//! Changing a session's principal, and authentication handlers.

use effusion_protocol::Credentials;
use effusion_protocol::body::{
    GlobalPermission, NamedDeregistration, NamedRegistration, Properties, ResponseBody,
};

use crate::auth::{Candidate, Purpose};
use crate::broker::Broker;
use crate::caller::{Caller, Pending};
use crate::services::dispatch::{Reply, Served};

impl Broker {
    /// What a session needs to decide who is let in.
    pub(crate) const AUTHENTICATOR_RIGHTS: [GlobalPermission; 2] = [
        GlobalPermission::RegisterHandler,
        GlobalPermission::Authenticate,
    ];

    /// A session wants to be another principal's, or to prove again that it is its own.
    pub(crate) fn change_principal(
        &mut self,
        caller: Caller,
        principal: String,
        credentials: Credentials,
        proposed: Properties,
    ) -> Served {
        self.session(&caller)?;
        self.auth.begin_change(caller.session)?;
        let caller = self.set_pending(caller, Pending::Other);
        let principal = Some(principal).filter(|name| !name.is_empty());
        let purpose = Purpose::Change(caller);
        self.sign_in(Candidate::new(purpose, principal, credentials, proposed));
        Ok(Reply::Later)
    }

    pub(crate) fn register_authenticator(
        &mut self,
        caller: &Caller,
        it: NamedRegistration,
    ) -> Served {
        self.check_all(caller, &Self::AUTHENTICATOR_RIGHTS)?;
        self.auth
            .add_authenticator(caller.session, it.name, it.handler)?;
        Ok(Reply::Now(ResponseBody::AuthenticatorRegistration(())))
    }

    pub(crate) fn deregister_authenticator(
        &mut self,
        caller: &Caller,
        it: &NamedDeregistration,
    ) -> Served {
        if let Some(ended) = self.auth.remove_authenticator(caller.session, &it.name) {
            self.deregistered(caller.session, ended);
        }
        Ok(Reply::Now(ResponseBody::AuthenticatorDeregistration(())))
    }
}
