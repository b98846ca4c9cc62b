//! Request-response messaging: to a path, to a session, to all sessions that match a filter.
//!
//! Source: the API documentation of `Messages`.

use effusion_protocol::body::{
    GlobalPermission, PathPermission, ReceiveRequest, RequestHandlerDeregistration,
    RequestHandlerRegistration, ResponseBody, SendRequest, SendToFilterRequest,
    SendToSessionRequest,
};
use effusion_protocol::{ConversationId, ErrorReason, ErrorReport, ServiceId};

use crate::broker::Broker;
use crate::caller::SessionKey;
use crate::caller::{Caller, Pending};
use crate::errors::{self, error};
use crate::messaging::Handler;
use crate::messaging::Request;
use crate::services::dispatch::{Reply, Served};
use crate::services::matching::Action;

/// The longest registration of a handler, in bytes: it is remembered.
const MAX_REGISTRATION: usize = 8 * 1024;

/// Fails if what a handler is registered with takes too much to remember.
pub(super) fn check_registration(caller: &Caller) -> Result<(), ErrorReport> {
    if caller.bytes > MAX_REGISTRATION {
        return Err(errors::invalid_data(format_args!(
            "What a handler is registered with cannot be longer than {MAX_REGISTRATION} bytes"
        )));
    }
    Ok(())
}

fn message_path(path: &str) -> &str {
    path.trim_matches('/')
}

impl Broker {
    pub(crate) fn register_handler(
        &mut self,
        caller: &Caller,
        it: RequestHandlerRegistration,
    ) -> Served {
        self.check_global(caller, GlobalPermission::RegisterHandler)?;
        if !it.properties.is_empty() {
            self.check_global(caller, GlobalPermission::ViewSession)?;
        }
        if it.service != u32::from(ServiceId::MessagingReceiverClient.code()) {
            return Err(errors::unsupported(format_args!(
                "handlers for service {}",
                it.service
            )));
        }
        check_registration(caller)?;
        if self.messaging.handlers().count(caller.session) >= self.config.limits.selections {
            return Err(errors::too_many("request handlers"));
        }
        let handler = Handler {
            session: caller.session,
            conversation: it.handler,
            properties: it.properties.into_iter().collect(),
        };
        if !self
            .messaging
            .handlers_mut()
            .add(message_path(&it.path), handler)
        {
            return Err(error(
                ErrorReason::HandlerConflict,
                format!("The session has a handler for '{}' already", it.path),
            ));
        }
        Ok(Reply::Now(
            ResponseBody::MessagingReceiverControlRegistration(()),
        ))
    }

    pub(crate) fn deregister_handler(
        &mut self,
        caller: &Caller,
        it: &RequestHandlerDeregistration,
    ) -> Served {
        let handlers = self.messaging.handlers_mut();
        if let Some(ended) = handlers.remove(message_path(&it.path), caller.session) {
            self.deregistered(caller.session, ended);
        }
        Ok(Reply::Now(
            ResponseBody::MessagingReceiverControlDeregistration(()),
        ))
    }

    pub(crate) fn send_to_path(&mut self, caller: Caller, it: SendRequest) -> Served {
        let session = self.session(&caller)?;
        let path = message_path(&it.path);
        let permission = PathPermission::SendToMessageHandler;
        if !session.rights().has(permission, path) {
            return Err(errors::denied(permission, path));
        }
        let handlers = self.messaging.handlers().find(path);
        // A session whose client is there answers sooner than one whose client may not come back.
        let is_connected = |it: &&Handler| {
            self.sessions
                .get(it.session)
                .is_some_and(|session| session.connection().is_some())
        };
        let handler = handlers
            .iter()
            .find(is_connected)
            .or_else(|| handlers.first());
        let Some(handler) = handler.cloned() else {
            return Err(error(
                ErrorReason::UnhandledMessage,
                format!("No handler is registered for messages to '{path}'"),
            ));
        };
        let request = ReceiveRequest {
            handler: handler.conversation,
            sender: session.id(),
            path: it.path,
            properties: session
                .select_properties(&handler.properties)
                .into_iter()
                .collect(),
            data_type: it.data_type,
            value: it.value,
        };
        self.relay(
            caller,
            (handler.session, Some(handler.conversation)),
            ServiceId::MessagingReceiverClient,
            &request,
        )
    }

    pub(crate) fn send_to_session(&mut self, caller: Caller, it: SendToSessionRequest) -> Served {
        self.check_send_to_session(&caller, &it.path)?;
        let receiver = self
            .sessions
            .by_id(it.session)
            .ok_or_else(errors::no_such_session)?;
        let request = SendRequest {
            path: it.path,
            data_type: it.data_type,
            value: it.value,
        };
        self.relay(caller, (receiver, None), ServiceId::MessagingSend, &request)
    }

    pub(crate) fn check_send_to_session(
        &self,
        caller: &Caller,
        path: &str,
    ) -> Result<(), ErrorReport> {
        let permission = PathPermission::SendToSession;
        let path = message_path(path);
        if self.session(caller)?.rights().has(permission, path) {
            Ok(())
        } else {
            Err(errors::denied(permission, path))
        }
    }

    fn relay<B: effusion_protocol::Wire>(
        &mut self,
        sender: Caller,
        (receiver, handler): (SessionKey, Option<ConversationId>),
        service: ServiceId,
        body: &B,
    ) -> Served {
        self.check_asking(receiver, sender.bytes)?;
        let sender = self.set_pending(sender, Pending::Other);
        let request = Request::Message { sender, handler };
        let timeout_ms = self.config.messaging_timeout_ms;
        self.ask(receiver, service, body, request, timeout_ms);
        Ok(Reply::Later)
    }

    /// A session can be asked only so much before it answers, and all sessions only so much before they read it.
    fn check_asking(&self, receiver: SessionKey, bytes: usize) -> Result<(), ErrorReport> {
        if self.sessions.get(receiver).is_none() {
            return Err(errors::no_such_session());
        }
        let open = self.messaging.requests().count(receiver);
        if open >= self.config.limits.open_requests
            || !self.sessions.takes_requests(receiver, bytes)
        {
            return Err(errors::too_many("requests wait for the receiver"));
        }
        Ok(())
    }

    pub(crate) fn send_to_filter(&mut self, caller: &Caller, it: SendToFilterRequest) -> Served {
        let action = Action::Send {
            conversation: it.conversation,
            request: SendRequest {
                path: it.path,
                data_type: it.data_type,
                value: it.value,
            },
        };
        self.for_matching(caller, &it.filter, action)
    }

    /// Sends a request to one of the sessions that match a filter.
    pub(crate) fn send_to_matching(
        &mut self,
        sender: SessionKey,
        conversation: ConversationId,
        receiver: SessionKey,
        request: &SendRequest,
    ) {
        let asked = Request::FilterMessage {
            sender,
            conversation,
            path: message_path(&request.path).into(),
        };
        match self.check_asking(receiver, request.value.len()) {
            Ok(()) => {
                let (service, timeout_ms) =
                    (ServiceId::MessagingSend, self.config.messaging_timeout_ms);
                self.ask(receiver, service, request, asked, timeout_ms);
            }
            Err(report) => {
                if let Some(id) = self.sessions.get(receiver).map(|session| session.id()) {
                    self.reply(id, asked, Err(report));
                }
            }
        }
    }
}
