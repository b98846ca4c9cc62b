//! Being told of topics without subscribing to them.
//!
//! Source: `docs/protocol.md`, 6.6, and the API documentation of `TopicNotificationListener`.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::{Arc, Mutex, PoisonError};

use effusion_protocol::body::{
    TopicDescendantEvent, TopicNotificationEvent, TopicNotificationSelection,
    TopicNotificationType, call,
};
use effusion_protocol::{ConversationId, ProtocolVersion, ServiceId, TopicSpecification, encode};
use futures_util::Stream;

use crate::Response;
use crate::machine::ServiceCall;
use crate::queue::{self, Next};
use crate::receivers::{Enrolment, Receiver, Registering, Verdict};
use crate::shared::Shared;

/// What a listener is told of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopicNotification {
    /// Something happened to a topic that the listener selects.
    Topic {
        /// Its path.
        path: String,
        /// What happened.
        kind: TopicNotificationType,
        /// What it holds.
        specification: TopicSpecification,
    },
    /// Something happened to a topic directly below what the listener selects.
    Descendant {
        /// Its path.
        path: String,
        /// What happened.
        kind: TopicNotificationType,
    },
    /// The session was lost and another one has taken its place: topics may have gone meanwhile. All that are there are
    /// told again, as selected.
    Restarted,
    /// The listener's owner was slow, and so many events were dropped here.
    Missed {
        /// How many.
        events: u64,
    },
}

/// What a listener selects, or selects no longer, in order.
struct Said {
    selector: String,
    selects: bool,
}

/// What a listener has said, to say it again in another session. No more than it is pushed and read under the lock, so it is
/// good even when poisoned.
type Selectors = Arc<Mutex<Vec<Said>>>;

fn lock(selectors: &Selectors) -> std::sync::MutexGuard<'_, Vec<Said>> {
    selectors.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A listener of topics: see [`Topics::add_notification_listener`](super::Topics::add_notification_listener). Dropping it
/// ends it; it ends by itself when the session is closed.
pub struct TopicNotifications {
    listener: ConversationId,
    /// What is selected, to select it again in another session.
    selectors: Selectors,
    events: queue::Receiver<TopicNotification>,
    enrolment: Enrolment,
}

impl TopicNotifications {
    /// Tells of the topics that a selector names, those that are there and those to come, and of the topics that are
    /// directly below them.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `select_topic`.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let rooms = session.topics().add_notification_listener();
    /// rooms.select("?Chat/").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn select(&self, selector: &str) -> Response<()> {
        self.remember(selector, true);
        self.request::<call::TopicNotificationSelection>(selector)
    }

    /// Does not tell of the topics that a selector names any more, whatever selected them. A later selection counts again.
    ///
    /// # Errors
    /// See [`RequestError`](crate::RequestError).
    ///
    /// ```no_run
    /// # async fn example(rooms: &effusion_client::TopicNotifications) -> Result<(), effusion_client::RequestError> {
    /// rooms.deselect("?Chat/").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn deselect(&self, selector: &str) -> Response<()> {
        self.remember(selector, false);
        self.request::<call::TopicNotificationDeselection>(selector)
    }

    fn remember(&self, selector: &str, selects: bool) {
        let mut selectors = lock(&self.selectors);
        selectors.retain(|said| said.selector != selector);
        selectors.push(Said {
            selector: selector.to_owned(),
            selects,
        });
        // There is nothing to take away from before the first selection.
        let first = selectors.iter().position(|said| said.selects);
        let end = first.unwrap_or(selectors.len());
        selectors.drain(..end);
    }

    fn request<C>(&self, selector: &str) -> Response<()>
    where
        C: effusion_protocol::body::Call<Request = TopicNotificationSelection, Response = ()>,
    {
        let request = TopicNotificationSelection {
            listener: self.listener,
            selector: selector.to_owned(),
        };
        match self.enrolment.shared.upgrade() {
            Some(shared) => shared.call::<C>(&request),
            None => Response::never(),
        }
    }
}

impl Stream for TopicNotifications {
    type Item = TopicNotification;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<TopicNotification>> {
        let next = ready!(Pin::new(&mut self.events).poll_next(context));
        Poll::Ready(match next {
            Some(Next::Event(event)) => Some(event),
            Some(Next::Missed(events)) => Some(TopicNotification::Missed { events }),
            Some(Next::Overflowed) | None => None,
        })
    }
}

impl core::fmt::Debug for TopicNotifications {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TopicNotifications")
    }
}

struct Listener {
    listener: ConversationId,
    selectors: Selectors,
    events: queue::Sender<TopicNotification>,
}

impl Listener {
    fn told(
        &self,
        call: &ServiceCall,
        version: ProtocolVersion,
    ) -> Result<(ConversationId, TopicNotification), Verdict> {
        Ok(if call.service() == ServiceId::TopicNotificationEvent {
            let it: TopicNotificationEvent = Verdict::read(call, version)?;
            let told = TopicNotification::Topic {
                path: it.path,
                kind: it.kind,
                specification: it.specification,
            };
            (it.listener, told)
        } else {
            let it: TopicDescendantEvent = Verdict::read(call, version)?;
            let told = TopicNotification::Descendant {
                path: it.path,
                kind: it.kind,
            };
            (it.listener, told)
        })
    }
}

impl Receiver for Listener {
    fn services(&self) -> &'static [ServiceId] {
        &[
            ServiceId::TopicNotificationEvent,
            ServiceId::TopicDescendantEvent,
        ]
    }

    fn receive(&self, call: &ServiceCall, version: ProtocolVersion) -> Verdict {
        match self.told(call, version) {
            Ok((listener, told)) if listener == self.listener => {
                // Nobody listens if the stream is dropped.
                let _ = self.events.send(told, 0);
                Verdict::DONE
            }
            Ok(_) => Verdict::NotMine,
            Err(verdict) => verdict,
        }
    }

    fn register(&self, version: ProtocolVersion) -> Vec<Registering> {
        let request = |said: &Said| {
            let body = TopicNotificationSelection {
                listener: self.listener,
                selector: said.selector.clone(),
            };
            let service = if said.selects {
                ServiceId::TopicNotificationSelection
            } else {
                ServiceId::TopicNotificationDeselection
            };
            (service, encode(&body, version))
        };
        lock(&self.selectors).iter().map(request).collect()
    }

    fn deregister(&self, version: ProtocolVersion) -> Vec<Registering> {
        let service = ServiceId::TopicNotificationDeregistration;
        vec![(service, encode(&self.listener, version))]
    }

    /// A selection that is refused leaves the others.
    fn needs_all(&self) -> bool {
        false
    }

    fn renew(&self) -> bool {
        let _ = self.events.send(TopicNotification::Restarted, 0);
        true
    }
}

pub(super) fn listen(shared: &Arc<Shared>) -> TopicNotifications {
    let (sender, events) = queue::listener();
    let listener = shared.new_conversation();
    let selectors = Selectors::default();
    let receiver = Listener {
        listener,
        selectors: Arc::clone(&selectors),
        events: sender,
    };
    TopicNotifications {
        listener,
        selectors,
        events,
        enrolment: shared.enrol(Arc::new(receiver)),
    }
}
