//! Adding a topic.

use effusion_protocol::body::{GlobalPermission, PathPermission, UpdateConstraint};
use effusion_protocol::{ErrorReason, ErrorReport, TopicSpecification};
use std::sync::Arc;

use crate::errors::{self, error};
use crate::topics::Settings;
use crate::{StoreOp, StoredTopic};

use super::{Actor, Change, PendingTopic, Transaction};

impl Transaction<'_> {
    pub(super) fn add(
        &mut self,
        actor: &Actor,
        specification: TopicSpecification,
    ) -> Result<bool, ErrorReport> {
        if let Some(topic) = &self.topic {
            return if topic.specification.is_same_as(&specification) {
                Ok(false)
            } else {
                Err(error(
                    ErrorReason::TopicExistsMismatch,
                    format!(
                        "A topic with another specification exists at '{}'",
                        self.path
                    ),
                ))
            };
        }
        let settings = Settings::of(&specification)
            .map_err(|message| error(ErrorReason::InvalidTopicSpecification, message))?;
        let asks_for_sessions = settings.removal.as_ref().map(|it| it.asks_for_sessions);
        if asks_for_sessions == Some(true)
            && !actor.rights.has_global(GlobalPermission::ViewSession)
        {
            return Err(errors::denied_global(GlobalPermission::ViewSession));
        }
        if !self.environment.has_room {
            return Err(error(
                ErrorReason::TopicLicenceLimit,
                "The service has as many topics as it may",
            ));
        }
        let limit = self.environment.limits.topics_per_principal;
        if self.environment.tree.added_by(&actor.principal) >= limit {
            return Err(error(
                ErrorReason::TopicLicenceLimit,
                match &actor.principal {
                    Some(name) => {
                        format!(
                            "The principal '{name}' has added as many topics as it may: {limit}"
                        )
                    }
                    None => {
                        format!("Anonymous sessions have added as many topics as they may: {limit}")
                    }
                },
            ));
        }
        self.check_room(&actor.creator.principal, self.path.len() + 1)?;
        let (specification, settings) = (Arc::new(specification), Arc::new(settings));
        let id = self.numbers.new_topic();
        if settings.is_persistent {
            self.store(StoreOp::PutTopic {
                path: self.path.to_owned(),
                topic: StoredTopic {
                    specification: (*specification).clone(),
                    created_ms: self.environment.wall_ms,
                    creator: actor.creator.clone(),
                    value: None,
                    events: Vec::new(),
                },
            });
        }
        self.changes.push(Change::Add {
            id,
            specification: specification.clone(),
            settings: settings.clone(),
            creator: actor.creator.clone(),
        });
        self.topic = Some(PendingTopic {
            id,
            specification,
            settings,
            value: None,
            stream: None,
            next_sequence: 0,
            last_timestamp: 0,
            originals: Vec::new(),
            is_new: true,
        });
        Ok(true)
    }

    /// Adds the topic for an update of it, unless `check` finds that the update would then fail.
    pub(super) fn add_if_missing(
        &mut self,
        actor: &Actor,
        specification: TopicSpecification,
        constraint: &UpdateConstraint,
        check: impl FnOnce(&Self) -> Result<(), ErrorReport>,
    ) -> Result<bool, ErrorReport> {
        actor.check(PathPermission::UpdateTopic, self.path, self.settings())?;
        actor.check(PathPermission::ModifyTopic, self.path, self.settings())?;
        self.check_constraint(actor, constraint)?;
        let (changes, operations) = (self.changes.len(), self.operations.len());
        let added = self.add(actor, specification)?;
        if let Err(report) = check(self) {
            if added {
                self.topic = None;
                self.changes.truncate(changes);
                self.operations.truncate(operations);
            }
            return Err(report);
        }
        Ok(added)
    }
}
