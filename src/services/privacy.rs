//! Whether what two people say to each other stays between them.

use std::cell::Cell;
use std::rc::Rc;

use effusion_chat::MEMBER_REMOVAL;
use effusion_client::{RequestError, Session, TopicSpecification, TopicType, property};

use super::connection::Connection;
use crate::state::Fault;

/// A topic beside the inboxes that belongs to nobody: who can read it could read the inboxes, too. No inbox has this name.
const PROBE: &str = "Effusion/direct/%probe";

/// Why nothing is written to somebody alone.
pub(super) enum Trouble {
    /// This went wrong.
    Fault(Fault),
    /// The service did not answer, or refused it.
    Request(RequestError),
}

impl From<RequestError> for Trouble {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

/// Makes sure that the service protects the inboxes, once for each session.
pub(super) struct Privacy {
    connection: Rc<Connection>,
    /// The epoch of the session in which it was seen to do so.
    assured: Cell<usize>,
}

impl Privacy {
    pub(super) fn new(connection: &Rc<Connection>) -> Self {
        Self {
            connection: Rc::clone(connection),
            assured: Cell::new(0),
        }
    }

    /// Succeeds if the service protects the inboxes, as far as that can be seen with the reader's rights.
    pub(super) async fn assure(&self, session: &Session) -> Result<(), Trouble> {
        let epoch = self.connection.epoch();
        if self.assured.get() == epoch {
            return Ok(());
        }
        let probe = TopicSpecification::new(TopicType::Json)
            .with(property::OWNER, "$Principal is '%probe'")
            .with(property::REMOVAL, MEMBER_REMOVAL)
            .with(property::PERSISTENT, "false");
        session.topics().add(PROBE, probe).await?;
        let seen = session.fetch(&[">", PROBE].concat()).fetch().await;
        if seen.is_ok_and(|seen| !seen.topics.is_empty()) {
            return Err(Trouble::Fault(Fault::NotPrivate));
        }
        self.assured.set(epoch);
        Ok(())
    }
}

/// Whom a topic belongs to: the value of its property OWNER.
pub(super) fn owner(principal: &str) -> String {
    let name = principal.replace('\\', "\\\\").replace('\'', "\\'");
    ["$Principal is '", &name, "'"].concat()
}
