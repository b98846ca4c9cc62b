//! What a session has because of its rights, looked at again whenever its roles, its principal or the security store change:
//! what it may no longer have ends, and what it may have now begins.
//!
//! What a session registered ends as the SDKs expect a registration to end: with an error for the conversation that was
//! registered. A lock has no such notice; it is free at once.

use effusion_protocol::body::GlobalPermission;
use effusion_protocol::{ErrorReason, ErrorReport};

use crate::broker::Broker;
use crate::caller::{Registration, SessionKey};
use crate::errors;
use crate::messaging::Request;

impl Broker {
    /// To be called after every change of rights, once all of these sessions have their new ones.
    pub(crate) fn rights_changed(&mut self, keys: &[SessionKey]) {
        for key in keys {
            self.refresh(*key);
            self.end_registrations(*key);
        }
        self.end_locks();
    }

    fn end_registrations(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        let may_listen = session.has_all(&Self::LISTENER_RIGHTS);
        let may_authenticate = session.has_all(&Self::AUTHENTICATOR_RIGHTS);
        let may_handle = session.has_all(&[GlobalPermission::RegisterHandler]);
        let may_view = session.has_all(&[GlobalPermission::ViewSession]);
        let mut ended: Vec<Registration> = Vec::new();
        if !may_listen {
            ended.extend(self.sessions.end_listeners(key));
        }
        if !may_authenticate {
            ended.extend(self.auth.end_authenticators(key));
            // It decides no longer, not even about those that it was asked about: others are asked.
            let is_meant = |request: &Request| matches!(request, Request::Authentication { .. });
            let requests = self.messaging.requests_mut().withdraw(key, is_meant);
            let report = errors::denied_global(GlobalPermission::Authenticate);
            self.reply_all(key, requests, &report);
        }
        let (handlers, requests) = self.messaging.end_handlers(key, may_handle, may_view);
        let report = errors::error(
            ErrorReason::UnhandledMessage,
            "The handler for this message is registered no longer",
        );
        self.reply_all(key, requests, &report);
        ended.extend(handlers);
        for registration in ended {
            let report = errors::error(
                ErrorReason::AccessDenied,
                "The session no longer has the permissions that this registration needs",
            );
            self.sessions.end_registration(key, registration, &report);
        }
    }

    /// Answers what a session was asked and will not answer.
    fn reply_all(&mut self, key: SessionKey, requests: Vec<Request>, report: &ErrorReport) {
        let Some(id) = self.sessions.get(key).map(|session| session.id()) else {
            return;
        };
        for request in requests {
            self.reply(id, request, Err(report.clone()));
        }
    }
}
