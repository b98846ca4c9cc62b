//! Session properties.

use effusion_protocol::ErrorReport;
use effusion_protocol::body::Properties;
use std::collections::{BTreeMap, BTreeSet};

use crate::caller::SessionKey;
use crate::{Peer, errors};

use super::filter::Properties as _;
use super::{Session, Sessions};

/// Names of fixed session properties (source: the API documentation of `Session`).
pub(crate) mod key {
    pub(crate) const SESSION_ID: &str = "$SessionId";
    pub(crate) const PRINCIPAL: &str = "$Principal";
    pub(crate) const ROLES: &str = "$Roles";
    pub(crate) const CLIENT_IP: &str = "$ClientIP";
    pub(crate) const CLIENT_TYPE: &str = "$ClientType";
    pub(crate) const CONNECTOR: &str = "$Connector";
    pub(crate) const COUNTRY: &str = "$Country";
    pub(crate) const LANGUAGE: &str = "$Language";
    pub(crate) const LATITUDE: &str = "$Latitude";
    pub(crate) const LONGITUDE: &str = "$Longitude";
    pub(crate) const SERVER_NAME: &str = "$ServerName";
    pub(crate) const START_TIME: &str = "$StartTime";
    /// When the session ends unless it authenticates again, in milliseconds since 1970.
    pub(crate) const EXPIRY_TIME: &str = "$ExpiryTime";
    pub(crate) const TRANSPORT: &str = "$Transport";
    /// In a request: all fixed properties.
    pub(crate) const ALL_FIXED: &str = "*F";
    /// In a request: all user properties.
    pub(crate) const ALL_USER: &str = "*U";
}

/// Characters that a user property's name cannot have (source: the API documentation of `Session`).
const FORBIDDEN: &[char] = &[' ', '\t', '\r', '\n', '"', '\'', '(', ')'];
/// The longest name or value of a session property.
pub(crate) const MAX_PROPERTY: usize = 4 * 1024;
/// The most properties that a session has.
const MAX_PROPERTIES: usize = 1_000;
/// Bytes of the properties of one session.
const MAX_PROPERTIES_BYTES: usize = 128 * 1024;
/// Bytes of its roles. They are bounded apart: whoever may change those need not be told how much the properties are.
pub(super) const MAX_ROLES_BYTES: usize = 64 * 1024;
/// What a property or a role takes besides its text, in bytes.
const DETAIL_OVERHEAD: usize = 64;

/// Bytes of texts, each as something of its own.
fn detail_bytes<'t>(texts: impl Iterator<Item = &'t str>) -> usize {
    texts.map(|text| DETAIL_OVERHEAD + text.len()).sum()
}

/// The roles of a session, and the text that the property `$Roles` has: it may be long, and is asked for again and again.
#[derive(Debug)]
pub(super) struct Roles {
    names: BTreeSet<String>,
    text: String,
}

impl From<BTreeSet<String>> for Roles {
    fn from(names: BTreeSet<String>) -> Self {
        let text = roles_text(&names);
        Self { names, text }
    }
}

impl Roles {
    pub(super) const fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    pub(super) const fn text(&self) -> &str {
        self.text.as_str()
    }
}

fn role_bytes(roles: &BTreeSet<String>) -> usize {
    detail_bytes(roles.iter().map(String::as_str))
}

/// Whether a user property can have this name and value.
pub(crate) fn is_user_property(name: &str, value: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('$')
        && !name.contains(FORBIDDEN)
        && name.len() <= MAX_PROPERTY
        && value.len() <= MAX_PROPERTY
}

/// A set of roles as the property `$Roles` shows it: quoted, with commas between them.
pub(crate) fn roles_text(roles: &BTreeSet<String>) -> String {
    let quoted: Vec<String> = roles
        .iter()
        .map(|role| {
            let escaped = role.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{escaped}\"")
        })
        .collect();
    quoted.join(",")
}

/// The session property's value for the client types that are known (source: the dissector, the API documentation).
fn client_type_name(letters: &str) -> &'static str {
    match letters {
        "WB" | "B" => "JAVASCRIPT_BROWSER",
        "WJ" | "J" => "JAVA",
        "WN" | "N" => "DOTNET",
        "WC" => "C",
        "WA" => "ANDROID",
        "WI" => "IOS",
        "PY" | "WPY" => "PYTHON",
        _ => "OTHER",
    }
}

impl Sessions {
    /// The properties that the server gives a session, but for its id and its roles. `start` is in milliseconds since 1970.
    pub(crate) fn fixed_properties(
        &self,
        principal: Option<&str>,
        client_type: &str,
        peer: &Peer,
        start: u64,
    ) -> BTreeMap<String, String> {
        [
            (key::PRINCIPAL, principal.unwrap_or_default()),
            (key::CLIENT_IP, &peer.address),
            (key::CLIENT_TYPE, client_type_name(client_type)),
            (key::CONNECTOR, &peer.connector),
            (key::COUNTRY, ""),
            (key::LANGUAGE, ""),
            (key::LATITUDE, "NaN"),
            (key::LONGITUDE, "NaN"),
            (key::SERVER_NAME, &self.server_name),
            (key::START_TIME, &start.to_string()),
            (key::TRANSPORT, "WEBSOCKET"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }

    /// Sets and removes properties of a session. Returns the former values of what was changed, and the names that were not
    /// there. What stays as it is, is not returned.
    pub(crate) fn set_properties(
        &mut self,
        key: SessionKey,
        set: &Properties,
        remove: &[String],
    ) -> Result<(Properties, Vec<String>), ErrorReport> {
        let (mut former, mut absent) = (Properties::new(), Vec::new());
        if let Some(session) = self.get(key)
            && session.properties.len() + set.len() > MAX_PROPERTIES
        {
            return Err(errors::too_many("session properties"));
        }
        let texts = set.iter().flat_map(|(name, value)| [name, value]);
        self.check_properties(key, detail_bytes(texts.map(String::as_str)))?;
        self.change(key, |session| {
            for (name, value) in set {
                match session.properties.insert(name.clone(), value.clone()) {
                    Some(old) if old == *value => {}
                    Some(old) => former.push((name.clone(), old)),
                    None => absent.push(name.clone()),
                }
            }
            for name in remove {
                let old = session.properties.remove(name);
                former.extend(old.map(|old| (name.clone(), old)));
            }
        });
        Ok((former, absent))
    }
}

impl Sessions {
    /// Whether the properties of a session may take so many bytes more.
    fn check_properties(&self, key: SessionKey, more: usize) -> Result<(), ErrorReport> {
        let now = self.get(key).map_or(0, Session::property_bytes);
        self.check_details(now + more <= MAX_PROPERTIES_BYTES, more)
    }

    /// Whether a session may have other roles.
    pub(super) fn check_roles(
        &self,
        key: SessionKey,
        roles: &BTreeSet<String>,
    ) -> Result<(), ErrorReport> {
        let bytes = role_bytes(roles);
        let (before, text_before) = self.get(key).map_or((0, 0), |session| {
            (role_bytes(session.roles()), session.roles.text().len())
        });
        // Less is always taken.
        let fits = bytes <= MAX_ROLES_BYTES.max(before);
        let now = bytes + roles_text(roles).len();
        self.check_details(fits, now.saturating_sub(before + text_before))
    }

    /// Fails unless what a session has fits, and all sessions together may have so many bytes more.
    fn check_details(&self, fits: bool, more: usize) -> Result<(), ErrorReport> {
        if !fits || (more > 0 && self.details + more > self.limits.session_bytes) {
            return Err(errors::too_many("bytes of session properties and roles"));
        }
        Ok(())
    }

    /// A session has other properties or roles.
    pub(super) fn recount_details(&mut self, key: SessionKey) {
        if let Some(session) = self.sessions.get_mut(&key) {
            let roles = role_bytes(session.roles()) + session.roles.text().len();
            let now = session.property_bytes() + roles;
            let before = core::mem::replace(&mut session.details, now);
            self.details = self.details.saturating_add(now).saturating_sub(before);
        }
    }
}

impl Session {
    fn property_bytes(&self) -> usize {
        let texts = self.properties.iter().flat_map(|(name, it)| [name, it]);
        detail_bytes(texts.map(String::as_str))
    }

    /// The properties that these keys ask for; `*F` and `*U` mean all fixed and all user properties.
    pub(crate) fn select_properties<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k String>,
    ) -> BTreeMap<String, String> {
        // A key may be there thousands of times: each property is looked up once, and copied once.
        let keys: BTreeSet<&str> = keys.into_iter().map(String::as_str).collect();
        let mut selected = BTreeMap::new();
        for key in keys {
            match key {
                key::ALL_FIXED => {
                    selected.extend(self.properties_where(|name| name.starts_with('$')));
                    selected.insert(key::ROLES, self.roles.text());
                }
                key::ALL_USER => {
                    selected.extend(self.properties_where(|name| !name.starts_with('$')));
                }
                name => selected.extend(self.property(name).map(|value| (name, value))),
            }
        }
        let copied = selected.into_iter();
        copied
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn properties_where(
        &self,
        is_wanted: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = (&str, &str)> {
        self.properties
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(move |(name, _)| is_wanted(name))
    }
}
