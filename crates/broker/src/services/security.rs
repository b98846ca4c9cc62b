//! Reading and changing the authentication store and the security store.

use effusion_protocol::body::{
    AnonymousAction, GlobalPermission, PropertyValidation, ResponseBody, Role, SecurityStore,
    SystemAuthenticationStore, SystemPrincipal,
};

use effusion_protocol::script::{AuthenticationScript, ScriptErrors, SecurityScript};

use crate::auth::{Commands, Script};
use crate::broker::Broker;
use crate::caller::{Caller, Pending};
use crate::services::dispatch::{Reply, Served};
use crate::{AnonymousPolicy, PropertyTrust};

impl Broker {
    pub(crate) fn get_system_authentication(&mut self, caller: &Caller) -> Served {
        self.check_global(caller, GlobalPermission::ViewSecurity)?;
        let policy = self.auth.accounts().policy();
        let (anonymous_action, anonymous_roles) = match &policy.anonymous {
            AnonymousPolicy::Allow(roles) => {
                (AnonymousAction::Allow, roles.iter().cloned().collect())
            }
            AnonymousPolicy::Deny => (AnonymousAction::Deny, Vec::new()),
            AnonymousPolicy::Abstain => (AnonymousAction::Abstain, Vec::new()),
        };
        let store = SystemAuthenticationStore {
            principals: self
                .auth
                .accounts()
                .iter()
                .map(|principal| SystemPrincipal {
                    name: principal.name.clone(),
                    roles: principal.roles.iter().cloned().collect(),
                    locking_principal: principal.locked_by.clone(),
                })
                .collect(),
            anonymous_action,
            anonymous_roles,
            trusted_properties: policy
                .trusted
                .iter()
                .map(|(name, trust)| {
                    let validation = match trust {
                        PropertyTrust::In(values) => {
                            PropertyValidation::In(values.iter().cloned().collect())
                        }
                        PropertyTrust::Matches(pattern) => {
                            PropertyValidation::Matches(pattern.clone())
                        }
                    };
                    (name.clone(), validation)
                })
                .collect(),
        };
        Ok(Reply::Now(ResponseBody::GetSystemAuthentication(store)))
    }

    pub(crate) fn get_security(&mut self, caller: &Caller) -> Served {
        self.check_global(caller, GlobalPermission::ViewSecurity)?;
        let store = self.auth.security();
        let response = SecurityStore {
            anonymous_roles: store.anonymous_roles.iter().cloned().collect(),
            named_roles: store.named_roles.iter().cloned().collect(),
            roles: store
                .roles
                .iter()
                .map(|(name, role)| Role {
                    name: name.clone(),
                    global: role.global.iter().copied().collect(),
                    default_path: role.default_path.iter().copied().collect(),
                    paths: role
                        .paths
                        .iter()
                        .map(|(path, set)| (path.clone(), set.iter().copied().collect()))
                        .collect(),
                    includes: role.includes.iter().cloned().collect(),
                    locking_principal: role.locked_by.clone(),
                })
                .collect(),
            isolated_paths: store.isolated_paths.iter().cloned().collect(),
        };
        Ok(Reply::Now(ResponseBody::GetSecurity(response)))
    }

    pub(crate) fn update_system_authentication(&mut self, caller: Caller, text: &str) -> Served {
        self.check_global(&caller, GlobalPermission::ModifySecurity)?;
        Ok(match AuthenticationScript::parse_placed(text) {
            Ok(commands) => self.queue_script(caller, Commands::Authentication(commands)),
            Err(ScriptErrors(mistakes)) => {
                Reply::Now(ResponseBody::UpdateSystemAuthentication(mistakes))
            }
        })
    }

    pub(crate) fn update_security(&mut self, caller: Caller, text: &str) -> Served {
        self.check_global(&caller, GlobalPermission::ModifySecurity)?;
        Ok(match SecurityScript::parse_placed(text) {
            Ok(commands) => self.queue_script(caller, Commands::Security(commands)),
            Err(ScriptErrors(mistakes)) => Reply::Now(ResponseBody::UpdateSecurity(mistakes)),
        })
    }

    fn queue_script(&mut self, caller: Caller, commands: Commands) -> Reply {
        let caller = self.set_pending(caller, Pending::Store);
        self.auth.queue_script(Script { caller, commands });
        self.run_scripts();
        Reply::Later
    }

    pub(crate) fn get_global_permissions(&mut self, caller: &Caller) -> Served {
        let permissions = self.session(caller)?.rights().global().collect();
        Ok(Reply::Now(ResponseBody::GetGlobalPermissions(permissions)))
    }

    pub(crate) fn get_path_permissions(&mut self, caller: &Caller, path: &str) -> Served {
        let session = self.session(caller)?;
        let permissions = session.rights().at(path.trim_matches('/')).collect();
        Ok(Reply::Now(ResponseBody::GetPathPermissions(permissions)))
    }
}
