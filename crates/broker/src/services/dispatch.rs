//! Messages from clients: which part of the broker serves them, and how they are answered.

use bytes::Bytes;
use effusion_protocol::body::{RequestBody, ResponseBody};
use effusion_protocol::{CloseReason, ConversationId, ErrorReport, Message, ServiceId, decode};

use crate::broker::Broker;
use crate::caller::{Caller, Pending, SessionKey};
use crate::services::topics;
use crate::topics::StreamUpdate;
use crate::{errors, wire};

/// What a service says at once.
#[allow(
    clippy::large_enum_variant,
    reason = "it is taken apart as soon as it is returned"
)]
pub(crate) enum Reply {
    Now(ResponseBody),
    /// The whole message of a long answer, which was written in slices.
    Encoded(Bytes),
    /// The answer comes later, through [`Broker::answer`].
    Later,
}

/// The result of serving a request.
pub(crate) type Served = Result<Reply, ErrorReport>;

impl Broker {
    /// A session's client sent a message.
    pub(crate) fn received(&mut self, key: SessionKey, message: Bytes) {
        let Some(version) = self.sessions.received(key, message.len(), self.now) else {
            return;
        };
        if message.len() > self.config.limits.message_bytes {
            self.close(key, CloseReason::MessageTooLarge);
            return;
        }
        match Message::decode(message.clone(), version) {
            Ok(Message::Request {
                service,
                conversation,
                body,
            }) => self.requested(key, service, conversation, body),
            Ok(Message::Response {
                conversation, body, ..
            }) => self.responded(key, conversation, Ok((body, version))),
            Ok(Message::Error {
                conversation, body, ..
            }) => match decode(body, version) {
                Ok(report) => self.responded(key, conversation, Err(report)),
                Err(_) => self.close(key, CloseReason::InvalidInboundMessage),
            },
            Ok(Message::Close) => self.close(key, CloseReason::ClosedByClient),
            // Only servers send these.
            Ok(_) => self.close(key, CloseReason::InvalidInboundMessage),
            Err(_) => match wire::request_head(&message, version) {
                Some((service, conversation)) if ServiceId::from_code(service).is_none() => {
                    let report = errors::unsupported_service(service);
                    let answer = wire::error(service, conversation, &report, version);
                    self.sessions.send(key, answer);
                }
                _ => self.close(key, CloseReason::InvalidInboundMessage),
            },
        }
    }

    fn requested(
        &mut self,
        key: SessionKey,
        service: ServiceId,
        conversation: ConversationId,
        body: Bytes,
    ) {
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        let version = session.version();
        let caller = Caller {
            session: key,
            service,
            conversation,
            pending: Pending::Nothing,
            bytes: body.len(),
        };
        if body.len() > MAX_CONTROL && !carries_values(service) {
            let report = errors::invalid_data(format_args!(
                "A request to the service '{service}' cannot be longer than {MAX_CONTROL} bytes"
            ));
            self.answer(caller, Err(report));
            return;
        }
        let request = RequestBody::decode(service, body, version).map_err(|error| {
            errors::invalid_data(format_args!(
                "The request to the service '{service}' is not valid: {error}"
            ))
        });
        match request.and_then(|request| self.sessions.admit(&caller, request)) {
            Ok(Some(request)) => self.serve(caller, request),
            // Its turn comes later.
            Ok(None) => {}
            Err(report) => self.answer(caller, Err(report)),
        }
    }

    fn serve(&mut self, caller: Caller, request: RequestBody) {
        let served = self.call(caller.clone(), request);
        self.conclude_request(caller, served);
    }

    /// Answers a request that was served, unless its answer comes later.
    pub(crate) fn conclude_request(&mut self, caller: Caller, served: Served) {
        match served {
            Ok(Reply::Now(response)) => self.answer(caller, Ok(response)),
            Ok(Reply::Encoded(message)) => {
                self.sessions.answer_with(&caller, message);
                self.serve_deferred(caller.session);
            }
            Ok(Reply::Later) => {}
            Err(report) => self.answer(caller, Err(report)),
        }
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, caller: Caller, result: Result<ResponseBody, ErrorReport>) {
        self.sessions.answer(&caller, result);
        self.serve_deferred(caller.session);
    }

    /// A request will be answered later: until then it counts.
    pub(crate) fn set_pending(&mut self, caller: Caller, pending: Pending) -> Caller {
        self.sessions.set_pending(caller, pending)
    }

    /// Serves what waited for the session's own requests.
    pub(crate) fn serve_deferred(&mut self, key: SessionKey) {
        while let Some((caller, request)) = self.sessions.next_deferred(key) {
            self.serve(caller, request);
            self.sessions.deferred_served(key);
        }
    }

    /// Calls the service that a request is for.
    fn call(&mut self, caller: Caller, request: RequestBody) -> Served {
        use RequestBody as Request;
        let done = |response| Ok(Reply::Now(response));
        let request = match topics::change_of(request) {
            Ok((path, op)) => return self.change_topic(caller, &path, op),
            Err(request) => request,
        };
        match request {
            Request::UserPing(()) => done(ResponseBody::UserPing(())),
            Request::SystemPing(()) => done(ResponseBody::SystemPing(())),

            Request::Subscribe(it) => self.subscribe(&caller, &it),
            Request::Unsubscribe(it) => self.unsubscribe(&caller, &it),
            Request::UnsubscribeAllScopes(selector) => {
                self.unsubscribe_all_scopes(&caller, &selector)
            }
            Request::Fetch(it) => self.fetch(&caller, it),
            Request::RangeQuery(it) => self.range_query(&caller, it),

            Request::RemoveTopics(selector) => self.remove_topics(&caller, &selector),
            Request::UpdateTopicDelta(_) => Err(errors::unsupported("deltas that are not binary")),
            Request::CheckUpdateStream(it) => self.use_stream(caller, it, StreamUpdate::Check),
            Request::StreamSet(it) => {
                self.use_stream(caller, it.stream, StreamUpdate::Set(it.value))
            }
            Request::StreamApplyDelta(it) => {
                self.use_stream(caller, it.stream, StreamUpdate::Delta(it.value))
            }

            Request::TopicNotificationSelection(it) => self.select_notifications(&caller, &it),
            Request::TopicNotificationDeselection(it) => self.deselect_notifications(&caller, &it),
            Request::TopicNotificationDeregistration(listener) => {
                self.remove_listener(&caller, listener)
            }

            Request::AcquireSessionLock(it) => self.acquire_lock(caller, it),
            Request::CancelAcquireSessionLock(it) => self.cancel_lock(&caller, &it),
            Request::ReleaseSessionLock(it) => self.release_lock(&caller, &it),
            Request::GetSessionLock(name) => self.get_lock(&caller, &name),
            Request::GetSessionLocks(()) => self.get_locks(&caller),

            Request::MessagingSend(it) => self.send_to_path(caller, it),
            Request::MessagingReceiverServer(it) => self.send_to_session(caller, it),
            Request::MessagingFilterSend(it) => self.send_to_filter(&caller, it),
            Request::MessagingReceiverControlRegistration(it) => self.register_handler(&caller, it),
            Request::MessagingReceiverControlDeregistration(it) => {
                self.deregister_handler(&caller, &it)
            }

            Request::GetSessionProperties(it) => self.get_session_properties(&caller, &it),
            Request::GetOwnSessionProperties(()) => self.get_own_session_properties(&caller),
            Request::SetSessionProperties(it) => self.set_session_properties(&caller, it),
            Request::SetSessionPropertiesFilter(it) => {
                self.set_session_properties_filter(&caller, it)
            }
            Request::SessionPropertiesRegistration(it) => {
                self.register_properties_listener(&caller, it)
            }
            Request::SessionEventRegistration(it) => self.register_event_listener(&caller, it),
            Request::SessionEventDeregistration(listener) => {
                self.deregister_event_listener(&caller, listener)
            }
            Request::CloseClient(it) => self.close_client(&caller, &it),
            Request::CloseClientFilter(filter) => self.close_client_filter(&caller, &filter),
            Request::ChangeRoles(it) => self.change_roles(&caller, &it),
            Request::ChangeRolesFilter(it) => self.change_roles_filter(&caller, it),
            Request::SubscribeClient(it) => self.subscribe_client(&caller, &it),
            Request::UnsubscribeClient(it) => self.unsubscribe_client(&caller, &it),
            Request::FilterSubscribe(it) => self.filter_subscribe(&caller, it),
            Request::FilterUnsubscribe(it) => self.filter_unsubscribe(&caller, it),
            Request::UnsubscribeClientAllScopes(it) => {
                self.unsubscribe_client_all_scopes(&caller, &it)
            }
            Request::FilterUnsubscribeAllScopes(it) => {
                self.filter_unsubscribe_all_scopes(&caller, &it)
            }
            Request::GetTopicSelections(session) => self.get_topic_selections(&caller, session),
            Request::SetClientQueueConflation(it) => self.set_conflation(&caller, &it),
            Request::SetConflationFilter(it) => self.set_conflation_filter(&caller, &it),
            Request::RevokeAuthentication(session) => self.revoke_authentication(&caller, session),

            Request::ChangePrincipal(it) => {
                self.change_principal(caller, it.principal, it.credentials, Vec::new())
            }
            Request::Reauthenticate(it) => {
                self.change_principal(caller, it.principal, it.credentials, it.proposed)
            }
            Request::AuthenticatorRegistration(it) => self.register_authenticator(&caller, it),
            Request::AuthenticatorDeregistration(it) => self.deregister_authenticator(&caller, &it),
            Request::TopicControlRegistration(it) => {
                self.register_missing_topic_handler(&caller, it)
            }
            Request::TopicControlDeregistration(it) => {
                self.deregister_missing_topic_handler(&caller, &it)
            }
            Request::GetSystemAuthentication(()) => self.get_system_authentication(&caller),
            Request::UpdateSystemAuthentication(script) => {
                self.update_system_authentication(caller, &script)
            }
            Request::GetSecurity(()) => self.get_security(&caller),
            Request::UpdateSecurity(script) => self.update_security(caller, &script),
            Request::GetGlobalPermissions(()) => self.get_global_permissions(&caller),
            Request::GetPathPermissions(path) => self.get_path_permissions(&caller, &path),

            Request::PutSessionMetricCollector(it) => self.put_session_collector(&caller, it),
            Request::RemoveSessionMetricCollector(it) => {
                self.remove_session_collector(&caller, &it)
            }
            Request::ListSessionMetricCollectors(()) => self.list_session_collectors(&caller),
            Request::PutTopicMetricCollector(it) => self.put_topic_collector(&caller, it),
            Request::RemoveTopicMetricCollector(it) => self.remove_topic_collector(&caller, &it),
            Request::ListTopicMetricCollectors(()) => self.list_topic_collectors(&caller),
            Request::FetchMetrics(it) => self.fetch_metrics(&caller, &it),

            other => Err(errors::unsupported_service(u64::from(
                other.service().code(),
            ))),
        }
    }
}

/// The longest request, in bytes, that carries no value: what it says may be remembered as long as the session is.
const MAX_CONTROL: usize = 64 * 1024;

/// Whether what a service is asked with is as large as whoever asks has it.
const fn carries_values(service: ServiceId) -> bool {
    matches!(
        service,
        ServiceId::SetTopic
            | ServiceId::AddAndSetTopic
            | ServiceId::ApplyJsonPatch
            | ServiceId::UpdateTopicSet
            | ServiceId::UpdateTopicDelta
            | ServiceId::TimeSeriesAppend
            | ServiceId::TimeSeriesAppendAt
            | ServiceId::TimeSeriesEdit
            | ServiceId::CreateUpdateStream
            | ServiceId::CreateUpdateStreamAndSet
            | ServiceId::StreamAddTopic
            | ServiceId::StreamAddAndSetTopic
            | ServiceId::StreamSet
            | ServiceId::StreamApplyDelta
            | ServiceId::MessagingSend
            | ServiceId::MessagingReceiverServer
            | ServiceId::MessagingFilterSend
    )
}
