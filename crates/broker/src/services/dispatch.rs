//! Messages from clients: which part of the broker serves them, and how they are answered.

use bytes::Bytes;
use effusion_protocol::body::{RequestBody, ResponseBody};
use effusion_protocol::{CloseReason, ConversationId, ErrorReport, Message, ServiceId, decode};

use crate::broker::Broker;
use crate::caller::SessionKey;
use crate::caller::{Caller, Pending};
use crate::{errors, wire};

/// What a service says at once.
#[allow(
    clippy::large_enum_variant,
    reason = "it is taken apart as soon as it is returned"
)]
pub(crate) enum Reply {
    Now(ResponseBody),
    /// The answer comes later, through [`Broker::answer`].
    Later,
}

/// The result of serving a request.
pub(crate) type Served = Result<Reply, ErrorReport>;

impl Broker {
    /// A session's client sent a message.
    pub(crate) fn received(&mut self, key: SessionKey, message: Bytes) {
        let now = self.now.monotonic_ms;
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        session.received += 1;
        self.collectors.inbound.count(message.len());
        session.heard = now;
        let version = session.version;
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
            }) => self.responded(key, conversation, Ok(body)),
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
        let is_full = self
            .sessions
            .get(key)
            .is_some_and(|it| self.sessions.is_full(it));
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let caller = Caller {
            session: key,
            service,
            conversation,
            pending: Pending::Nothing,
            bytes: body.len(),
        };
        let length = body.len();
        if length > MAX_CONTROL && !carries_values(service) {
            let report = errors::invalid_data(format_args!(
                "A request to the service '{service}' cannot be longer than {MAX_CONTROL} bytes"
            ));
            self.answer(caller, Err(report));
            return;
        }
        let request = match RequestBody::decode(service, body, session.version) {
            Ok(request) => request,
            Err(error) => {
                let report = errors::invalid_data(format_args!(
                    "The request to the service '{service}' is not valid: {error}"
                ));
                self.answer(caller, Err(report));
                return;
            }
        };
        if session.open_requests() >= self.config.limits.open_requests {
            let report = errors::too_many("requests wait for an answer");
            self.answer(caller, Err(report));
            return;
        }
        let must_wait = session.has_job
            || is_full
            || session.write_bytes > self.config.limits.deferred_bytes
            || !session.deferred.is_empty()
            || (session.writes > 0 && reads(service));
        if must_wait && !is_ping(service) {
            if session.deferred_bytes > self.config.limits.deferred_bytes {
                let report = errors::too_many("bytes of requests wait for an answer");
                self.answer(caller, Err(report));
                return;
            }
            session.deferred_bytes += length;
            session.deferred.push_back((conversation, request, length));
        } else {
            self.serve(caller, request);
        }
    }

    fn serve(&mut self, caller: Caller, request: RequestBody) {
        match self.call(caller.clone(), request) {
            Ok(Reply::Now(response)) => self.answer(caller, Ok(response)),
            Ok(Reply::Later) => {}
            Err(report) => self.answer(caller, Err(report)),
        }
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, caller: Caller, result: Result<ResponseBody, ErrorReport>) {
        let Caller {
            session: key,
            service,
            conversation,
            pending,
            bytes,
        } = caller;
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        match pending {
            Pending::Nothing => {}
            Pending::Store => {
                session.writes = session.writes.saturating_sub(1);
                session.write_bytes = session.write_bytes.saturating_sub(bytes);
                self.write_bytes = self.write_bytes.saturating_sub(bytes);
            }
            Pending::Other => session.waits = session.waits.saturating_sub(1),
        }
        let version = session.version;
        let message = match result {
            Ok(response) => {
                let body = response.as_of(version).encode(version);
                wire::response(service, conversation, body, version)
            }
            Err(report) => wire::error(u64::from(service.code()), conversation, &report, version),
        };
        self.sessions.send(key, message);
        self.serve_deferred(key);
    }

    /// Serves what waited for the session's own writes.
    pub(crate) fn serve_deferred(&mut self, key: SessionKey) {
        loop {
            let is_full = self
                .sessions
                .get(key)
                .is_some_and(|it| self.sessions.is_full(it));
            let Some(session) = self.sessions.get_mut(key) else {
                return;
            };
            let may_go_on = !session.is_running_deferred
                && !session.has_job
                && !is_full
                && session.write_bytes <= self.config.limits.deferred_bytes
                && session
                    .deferred
                    .front()
                    .is_some_and(|(_, next, _)| session.writes == 0 || !reads(next.service()));
            if !may_go_on {
                return;
            }
            let Some((conversation, request, length)) = session.deferred.pop_front() else {
                return;
            };
            session.deferred_bytes = session.deferred_bytes.saturating_sub(length);
            session.is_running_deferred = true;
            let caller = Caller {
                session: key,
                service: request.service(),
                conversation,
                pending: Pending::Nothing,
                bytes: length,
            };
            self.serve(caller, request);
            if let Some(session) = self.sessions.get_mut(key) {
                session.is_running_deferred = false;
            }
        }
    }

    /// Calls the service that a request is for.
    fn call(&mut self, caller: Caller, request: RequestBody) -> Served {
        use RequestBody as Request;
        let done = |response| Ok(Reply::Now(response));
        match request {
            Request::UserPing(()) => done(ResponseBody::UserPing(())),
            Request::SystemPing(()) => done(ResponseBody::SystemPing(())),

            Request::Subscribe(it) => self.subscribe(&caller, &it),
            Request::Unsubscribe(it) => self.unsubscribe(&caller, &it),
            Request::UnsubscribeAllScopes(selector) => {
                self.unsubscribe_all_scopes(&caller, &selector)
            }
            Request::Fetch(it) => self.fetch(&caller, it),
            Request::RangeQuery(it) => self.range_query(&caller, &it),

            Request::AddTopic(it) => self.add_topic(caller, it),
            Request::RemoveTopics(selector) => self.remove_topics(&caller, &selector),
            Request::SetTopic(it) => self.set_topic(caller, it),
            Request::AddAndSetTopic(it) => self.add_and_set_topic(caller, it),
            Request::ApplyJsonPatch(it) => self.apply_json_patch(caller, it),
            Request::UpdateTopicSet(it) => self.update_topic_set(caller, it),
            Request::UpdateTopicDelta(it) => self.update_topic_delta(caller, it),
            Request::TimeSeriesAppend(it) => self.append(caller, it),
            Request::TimeSeriesAppendAt(it) => self.append_at(caller, it),
            Request::TimeSeriesEdit(it) => self.edit(caller, it),
            Request::CreateUpdateStream(it) => self.create_stream(caller, it),
            Request::CreateUpdateStreamAndSet(it) => self.create_stream_and_set(caller, it),
            Request::StreamAddTopic(it) => self.stream_add_topic(caller, it),
            Request::StreamAddAndSetTopic(it) => self.stream_add_and_set_topic(caller, it),
            Request::CheckUpdateStream(it) => self.check_stream(caller, it),
            Request::StreamSet(it) => self.stream_set(caller, it),
            Request::StreamApplyDelta(it) => self.stream_apply_delta(caller, it),

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
            Request::ChangeRolesFilter(it) => self.change_roles_filter(&caller, &it),
            Request::SubscribeClient(it) => self.subscribe_client(&caller, &it),
            Request::UnsubscribeClient(it) => self.unsubscribe_client(&caller, &it),
            Request::FilterSubscribe(it) => self.filter_subscribe(&caller, &it),
            Request::FilterUnsubscribe(it) => self.filter_unsubscribe(&caller, &it),
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
            | ServiceId::UpdateSystemAuthentication
            | ServiceId::UpdateSecurity
    )
}

/// Whether a service reads what the session's own requests may be about to write.
const fn reads(service: ServiceId) -> bool {
    matches!(
        service,
        ServiceId::Fetch
            | ServiceId::RangeQuery
            | ServiceId::GetSystemAuthentication
            | ServiceId::GetSecurity
            | ServiceId::RemoveTopics
    )
}

/// Pings tell how long the way is, not how long the store takes.
const fn is_ping(service: ServiceId) -> bool {
    matches!(service, ServiceId::UserPing | ServiceId::SystemPing)
}
