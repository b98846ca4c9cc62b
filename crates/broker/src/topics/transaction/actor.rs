//! Who changes topics, and with what rights.

use effusion_protocol::ErrorReport;
use effusion_protocol::body::PathPermission;
use std::sync::Arc;

use crate::auth::Rights;
use crate::caller::SessionKey;
use crate::topics::Settings;
use crate::{Creator, errors};

/// On whose behalf a topic is changed.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) session: Option<SessionKey>,
    pub(crate) principal: Option<String>,
    pub(crate) rights: Arc<Rights>,
    pub(crate) creator: Creator,
}

impl Actor {
    pub(super) fn check(
        &self,
        permission: PathPermission,
        path: &str,
        settings: Option<&Settings>,
    ) -> Result<(), ErrorReport> {
        let owner = settings.and_then(|it| it.owner.as_deref());
        if self
            .rights
            .allow(permission, path, self.principal.as_deref(), owner)
        {
            Ok(())
        } else {
            Err(errors::denied(permission, path))
        }
    }

    /// What an update says of the value that is there is for those who may read it.
    pub(super) fn check_read(
        &self,
        path: &str,
        settings: Option<&Settings>,
    ) -> Result<(), ErrorReport> {
        self.check(PathPermission::ReadTopic, path, settings)
    }

    /// Whether a topic may be removed: see [`Rights::allow_removal`].
    pub(super) fn may_remove(&self, path: &str, settings: Option<&Settings>) -> bool {
        let owner = settings.and_then(|it| it.owner.as_deref());
        self.rights
            .allow_removal(path, self.principal.as_deref(), owner)
    }
}
