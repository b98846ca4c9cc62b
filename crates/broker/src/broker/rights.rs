//! What a session has because of its rights, looked at again whenever its roles, its principal or the security store change:
//! what it may no longer have ends, and what it may have now begins.
//!
//! What a session registered ends as the SDKs expect a registration to end: with an error for the conversation that was
//! registered. A lock has no such notice; it is free at once.

use effusion_protocol::body::GlobalPermission;
use effusion_protocol::{ConversationId, ErrorReason, ErrorReport, ServiceId};

use crate::auth::Rights;
use crate::broker::Broker;
use crate::caller::SessionKey;
use crate::errors;
use crate::messaging::requests::Outgoing;
use crate::sessions::timers::Timer;
use crate::wire;

/// A registration that ends.
pub(crate) type Ended = (ServiceId, ConversationId);

/// Whether a session with these rights may be told of what is registered for.
pub(crate) fn has_all(rights: &Rights, permissions: &[GlobalPermission]) -> bool {
    permissions
        .iter()
        .all(|permission| rights.has_global(*permission))
}

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
        let rights = session.rights.clone();
        let mut ended: Vec<Ended> = Vec::new();
        if !has_all(&rights, &Self::LISTENER_RIGHTS) {
            ended.extend(self.session_listeners.end(key));
        }
        if !has_all(&rights, &Self::AUTHENTICATOR_RIGHTS) {
            ended.extend(self.authenticators.end(key));
            self.withdraw_authentications(key);
        }
        let may_handle = has_all(&rights, &[GlobalPermission::RegisterHandler]);
        let may_view = has_all(&rights, &[GlobalPermission::ViewSession]);
        let handlers = self.handlers.end(key, |handler| {
            may_handle && (may_view || handler.properties.is_empty())
        });
        self.withdraw_messages(key, &handlers);
        let tagged =
            |service, list: Vec<ConversationId>| list.into_iter().map(move |it| (service, it));
        ended.extend(tagged(
            ServiceId::MessagingReceiverControlRegistration,
            handlers,
        ));
        let missing = self.missing_topic_handlers.end(key, |_| may_handle);
        ended.extend(tagged(ServiceId::TopicControlRegistration, missing));
        for (service, conversation) in ended {
            let Some(session) = self.sessions.get_mut(key) else {
                return;
            };
            session.outbound.drop_registered(conversation);
            let report = errors::error(
                ErrorReason::AccessDenied,
                "The session no longer has the permissions that this registration needs",
            );
            let code = u64::from(service.code());
            let message = wire::error(code, conversation, &report, session.version);
            self.sessions.send(key, message);
        }
    }

    /// A session no longer decides who is let in, not even about those that it was asked about: others are asked.
    fn withdraw_authentications(&mut self, key: SessionKey) {
        let is_meant = |outgoing: &Outgoing| matches!(outgoing, Outgoing::Authentication { .. });
        self.withdraw(
            key,
            is_meant,
            &errors::denied_global(GlobalPermission::Authenticate),
        );
    }

    /// Requests for handlers that are there no longer are answered.
    fn withdraw_messages(&mut self, key: SessionKey, ended: &[ConversationId]) {
        let is_meant = |outgoing: &Outgoing| match outgoing {
            Outgoing::Message { handler, .. } => handler.is_some_and(|it| ended.contains(&it)),
            _ => false,
        };
        let report = errors::error(
            ErrorReason::UnhandledMessage,
            "The handler for this message is registered no longer",
        );
        self.withdraw(key, is_meant, &report);
    }

    /// Takes back what a session was asked.
    fn withdraw(
        &mut self,
        key: SessionKey,
        is_meant: impl Fn(&Outgoing) -> bool,
        report: &ErrorReport,
    ) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let id = session.id;
        let open: Vec<ConversationId> = session
            .outgoing
            .iter()
            .filter(|(_, outgoing)| is_meant(outgoing))
            .map(|(conversation, _)| *conversation)
            .collect();
        for conversation in open {
            let session = self.sessions.get_mut(key);
            let Some(outgoing) = session.and_then(|it| it.outgoing.remove(&conversation)) else {
                continue;
            };
            if let Some(until) = outgoing.deadline() {
                self.timers
                    .cancel(until, Timer::Unanswered(key, conversation));
            }
            self.unanswerable(id, outgoing, report.clone());
        }
    }
}
