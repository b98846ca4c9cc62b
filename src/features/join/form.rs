//! What people fill in: one form behind the join, account and settings pages, so that nothing is typed twice.

use crate::features::join::service::{
    DEVELOPMENT_PASSWORD, IN_BROWSER, REGISTRAR, SHARED_ACCOUNT, Service, ServiceError,
    is_loopback, parse_service,
};
use crate::features::settings::saved::SavedService;
use crate::i18n::{Message, messages};
use crate::ui::identity::{has_hidden, is_like_system};
use effusion_chat::{MAX_NAME_LENGTH, RoomKind, RoomName, RoomNameError};

/// The tutorial's name for a room that nobody named. Lesson 1 writes it in another way than Lessons 2 and 3.
fn default_room(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Live => "Default Room",
        RoomKind::History => "Default room",
    }
}

/// Diffusion's own roles, in the order they are offered, and whether the tutorial's Lesson 3 grants them.
pub const ROLES: [(&str, bool); 6] = [
    ("CLIENT", true),
    ("TOPIC_CONTROL", true),
    ("CLIENT_CONTROL", false),
    ("AUTHENTICATION_HANDLER", false),
    ("OPERATOR", false),
    ("ADMINISTRATOR", false),
];

/// The text fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The name that others see.
    Name,
    /// The principal to sign in as; if empty, the name.
    Account,
    /// The principal's password.
    Password,
    /// The service's host.
    Host,
    /// The service's port.
    Port,
    /// The path of the service's address.
    Path,
    /// The room to join.
    Room,
    /// The principal to create.
    NewAccount,
    /// Its password.
    NewPassword,
    /// Its password once more.
    Again,
    /// The principal that may create accounts.
    Registrar,
    /// The password of that principal.
    RegistrarPassword,
}

const FIELDS: usize = 12;

impl Field {
    /// The fields that addresses and stored settings fill in, by their ids. No password is among them.
    const STORED: [Self; 6] = [
        Self::Name,
        Self::Account,
        Self::Host,
        Self::Port,
        Self::Path,
        Self::Room,
    ];

    /// Its `id` in the document, which is the same in every form that has it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Account => "account",
            Self::Password => "password",
            Self::Host => "host",
            Self::Port => "port",
            Self::Path => "path",
            Self::Room => "room",
            Self::NewAccount => "account-name",
            Self::NewPassword => "account-password",
            Self::Again => "account-password-again",
            Self::Registrar => "account-registrar",
            Self::RegistrarPassword => "account-registrar-password",
        }
    }
}

/// The contents of every field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    texts: [String; FIELDS],
    /// Whether to use the service in this browser, whatever host and port are filled in.
    in_browser: bool,
    /// Whether to use TLS.
    pub secure: bool,
    /// The protocol version to speak, and no other; `None` is the newest that both sides speak.
    pub version: Option<u8>,
    kind: RoomKind,
    /// Whether the password may stay on this device.
    pub remember: bool,
    /// Which of [`ROLES`] to grant.
    pub roles: [bool; ROLES.len()],
    /// Whether account and password are the sandbox's shared ones, put there by the page.
    shared: bool,
    /// The service that the password was kept for, if it is a kept one.
    kept_for: Option<Place>,
}

/// Where a kept password may go: the service's `host:port`, and whether by TLS.
type Place = (String, bool);

/// A password that its owner asked to keep. It is for one account of one service, and never sent without TLS if it was kept
/// for a service with TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPassword {
    place: Place,
    credentials: Credentials,
}

impl KeptPassword {
    /// The password of a sign-in.
    pub fn of(sign_in: &SignIn) -> Self {
        Self {
            place: (sign_in.service.address(), sign_in.service.secure),
            credentials: sign_in.credentials.clone(),
        }
    }

    /// Whether both are of one account of one service.
    pub fn is_of_account_of(&self, other: &Self) -> bool {
        self.place == other.place && self.credentials.principal == other.credentials.principal
    }

    /// What [`KeptPassword::parse`] reads back.
    pub fn to_pairs(&self) -> [(&'static str, &str); 4] {
        [
            ("service", &self.place.0),
            ("secure", if self.place.1 { "true" } else { "false" }),
            ("account", &self.credentials.principal),
            ("password", &self.credentials.password),
        ]
    }

    /// Reads what is stored. Earlier versions did not store whether it is for TLS: then it is what the settings say that were
    /// stored at the same time.
    pub fn parse(kept: &[(String, String)], settings: &[(String, String)]) -> Option<Self> {
        let part = |pairs: &[(String, String)], name| {
            let found = pairs.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        let secure = part(kept, "secure").or_else(|| part(settings, "secure"));
        Some(Self {
            place: (part(kept, "service")?, secure? == "true"),
            credentials: Credentials {
                principal: part(kept, "account")?,
                password: part(kept, "password")?,
            },
        })
    }
}

/// A field that cannot be used as it is, and what to do about it.
pub type Problem = (Field, &'static Message);

/// A principal and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The principal's name.
    pub principal: String,
    /// Its password.
    pub password: String,
}

impl Credentials {
    fn new(principal: &str, password: &str) -> Self {
        Self {
            principal: principal.to_owned(),
            password: password.to_owned(),
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.principal)
    }
}

/// How to get to a service, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The name that others see.
    pub name: String,
    /// Who signs in.
    pub credentials: Credentials,
    /// Where.
    pub service: Service,
}

/// A room to be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its name.
    pub name: RoomName,
    /// Its kind.
    pub kind: RoomKind,
}

/// An account to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// The account.
    pub credentials: Credentials,
    /// Who may make it.
    pub registrar: Credentials,
    /// Where.
    pub service: Service,
    /// What it may do.
    pub roles: Vec<&'static str>,
}

impl Default for Form {
    fn default() -> Self {
        let mut form = Self {
            texts: Default::default(),
            in_browser: false,
            secure: false,
            version: None,
            kind: RoomKind::default(),
            remember: false,
            roles: ROLES.map(|(_, granted)| granted),
            shared: false,
            kept_for: None,
        };
        form.set_service(&Service::default());
        form.put(Field::Room, default_room(form.kind));
        form
    }
}

impl Form {
    /// What is in a field.
    pub fn text(&self, field: Field) -> &str {
        &self.texts[field as usize]
    }

    /// Somebody typed into a field.
    pub fn set(&mut self, field: Field, text: String) {
        if self.text(field) == text {
            return;
        }
        self.texts[field as usize] = text;
        match field {
            Field::Host => {
                self.withdraw_kept_password();
                self.offer_development_accounts();
            }
            Field::Port | Field::Path => self.withdraw_kept_password(),
            Field::Password if self.kept_for.is_some() => self.kept_for = None,
            Field::Account => self.shared = false,
            Field::Password if self.shared => {
                // Whoever types a password has an account of their own: not the one the page filled in.
                self.shared = false;
                self.put(Field::Account, "");
            }
            _ => {}
        }
    }

    /// The kind of room to join.
    pub fn kind(&self) -> RoomKind {
        self.kind
    }

    /// Chooses the kind of room. A room that nobody named has the tutorial's name for that kind.
    pub fn set_kind(&mut self, kind: RoomKind) {
        if self.text(Field::Room) == default_room(self.kind) {
            self.put(Field::Room, default_room(kind));
        }
        self.kind = kind;
    }

    /// Fills in a room.
    pub fn set_room(&mut self, room: &Room) {
        self.put(Field::Room, room.name.as_str());
        self.kind = room.kind;
    }

    /// Whether the shared account of a sandbox on this machine could be used and is not.
    pub fn may_share(&self) -> bool {
        !self.shared && self.is_local()
    }

    /// Whether the service can only be on the reader's own machine.
    fn is_local(&self) -> bool {
        self.in_browser || is_loopback(self.text(Field::Host))
    }

    /// Whether the service in this browser is chosen.
    pub fn is_in_browser(&self) -> bool {
        self.in_browser
    }

    /// Chooses the service in this browser, or the one whose host and port are filled in.
    pub fn set_in_browser(&mut self, in_browser: bool) {
        self.in_browser = in_browser;
        self.withdraw_kept_password();
        self.offer_development_accounts();
    }

    /// Whether account and password are the sandbox's shared ones.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Fills in the sandbox's shared account.
    pub fn share(&mut self) {
        self.put(Field::Account, SHARED_ACCOUNT);
        self.put(Field::Password, DEVELOPMENT_PASSWORD);
        self.kept_for = None;
        self.shared = true;
    }

    /// Fills in a service.
    pub fn set_service(&mut self, service: &Service) {
        self.version = service.version;
        self.set_in_browser(service.in_browser);
        if service.in_browser {
            return;
        }
        self.put(Field::Port, &service.port.to_string());
        self.put(Field::Path, &service.path);
        self.set(Field::Host, service.host.clone());
        self.set_secure(service.secure);
    }

    /// Whether to use TLS from now on.
    pub fn set_secure(&mut self, secure: bool) {
        self.secure = secure;
        self.withdraw_kept_password();
    }

    /// Fills in a kept password, if it is for the service and the account that are filled in.
    pub fn recall(&mut self, kept: &KeptPassword) {
        let account = self.text(Field::Account);
        let is_for_account = account.is_empty() || account == kept.credentials.principal;
        if is_for_account && self.place().as_ref() == Some(&kept.place) {
            self.remember = true;
            self.set_credentials(&kept.credentials);
            self.kept_for = Some(kept.place.clone());
        }
    }

    /// Fills in the password that this window had before it was loaded again. It is kept no longer than before.
    pub fn recall_held(&mut self, held: &KeptPassword) {
        let remember = self.remember;
        self.recall(held);
        self.remember = remember;
    }

    /// Whoever uses the page next is not to find the password of who signed out; the sandbox's shared one is no secret.
    pub fn forget_password(&mut self) {
        if !self.shared {
            self.put(Field::Password, "");
            self.kept_for = None;
        }
    }

    /// Takes a kept password away once another service is filled in.
    fn withdraw_kept_password(&mut self) {
        if self.kept_for.is_some() && self.kept_for != self.place() {
            self.kept_for = None;
            self.put(Field::Password, "");
        }
    }

    fn place(&self) -> Option<Place> {
        let service = self.service().ok()?;
        Some((service.address(), service.secure))
    }

    /// Fills in a service that was kept.
    pub fn choose(&mut self, saved: &SavedService) {
        self.set_service(&saved.service);
        self.set(Field::Account, saved.account.clone());
    }

    /// Whether this service is filled in.
    pub fn is_at(&self, service: &Service) -> bool {
        self.service().as_ref() == Ok(service)
    }

    /// Fills in who signs in.
    pub fn set_credentials(&mut self, credentials: &Credentials) {
        self.put(Field::Account, &credentials.principal);
        self.put(Field::Password, &credentials.password);
        self.kept_for = None;
        self.shared = self.is_local()
            && credentials.principal == SHARED_ACCOUNT
            && credentials.password == DEVELOPMENT_PASSWORD;
    }

    /// Takes what an address or the stored settings say. Passwords are never taken from there.
    pub fn apply(&mut self, pairs: &[(String, String)]) {
        let names_room = pairs.iter().any(|(name, _)| name == "room");
        for (name, value) in pairs {
            match name.as_str() {
                "secure" => {
                    self.set_secure(!matches!(value.as_str(), "false" | "0" | "no" | "off"));
                }
                "version" => self.version = value.parse().ok(),
                "service" => self.set_in_browser(value == IN_BROWSER),
                "kind" => {
                    let kind = RoomKind::from_word(value).unwrap_or(self.kind);
                    if names_room {
                        self.kind = kind;
                    } else {
                        self.set_kind(kind);
                    }
                }
                name => {
                    if let Some(field) = Field::STORED.into_iter().find(|it| it.id() == name) {
                        if field == Field::Host {
                            // Who names a host means it, unless what follows says otherwise.
                            self.set_in_browser(false);
                        }
                        self.set(field, value.clone());
                    }
                }
            }
        }
        // Only the shared account's own name may stand beside its password.
        if !self.shared && self.text(Field::Password) == DEVELOPMENT_PASSWORD {
            if self.text(Field::Account) == SHARED_ACCOUNT {
                self.share();
            } else {
                self.put(Field::Password, "");
            }
        }
    }

    /// What [`Form::apply`] reads back: everything but passwords.
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let texts = Field::STORED.map(|field| (field.id(), self.text(field)));
        let others = [
            ("secure", if self.secure { "true" } else { "false" }),
            ("service", if self.in_browser { IN_BROWSER } else { "" }),
            ("version", &version_text(self.version)),
            ("kind", self.kind.word()),
        ];
        let pairs = texts.iter().chain(&others);
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    /// Whether another form is of the same person, account and service.
    pub fn is_for_same_as(&self, other: &Self) -> bool {
        let fields = [
            Field::Name,
            Field::Account,
            Field::Host,
            Field::Port,
            Field::Path,
        ];
        self.secure == other.secure
            && self.in_browser == other.in_browser
            && fields.iter().all(|it| self.text(*it) == other.text(*it))
    }

    /// Whether something has to be filled in besides a name.
    pub fn lacks_more_than_name(&self) -> bool {
        let service = if self.in_browser {
            &[][..]
        } else {
            &[Field::Host, Field::Port]
        };
        let mut needed = [Field::Room, Field::Password].iter().chain(service);
        needed.any(|field| self.text(*field).is_empty())
    }

    /// Reads the fields of the join page.
    ///
    /// # Errors
    /// Every field that needs another look.
    pub fn join(&self) -> Result<(SignIn, Room), Vec<Problem>> {
        match (self.sign_in(), self.room()) {
            (Ok(sign_in), Ok(room)) => Ok((sign_in, room)),
            (sign_in, room) => Err(sign_in
                .err()
                .into_iter()
                .flatten()
                .chain(room.err())
                .collect()),
        }
    }

    /// Reads the fields that say how to get to a service.
    ///
    /// # Errors
    /// Every field that needs another look.
    pub fn sign_in(&self) -> Result<SignIn, Vec<Problem>> {
        let name = self.text(Field::Name).trim();
        let mut problems = name_problems(Field::Name, name, &messages::form_name_missing);
        let principal = match self.text(Field::Account).trim() {
            "" => name,
            account => account,
        };
        let password = self.text(Field::Password);
        if password.is_empty() {
            problems.push((Field::Password, &messages::form_password_missing));
        }
        Ok(SignIn {
            name: name.to_owned(),
            credentials: Credentials::new(principal, password),
            service: self.service_unless(problems)?,
        })
    }

    /// Reads the fields that name a room.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub fn room(&self) -> Result<Room, Problem> {
        let problem = match RoomName::parse(self.text(Field::Room)) {
            Ok(name) => {
                let kind = self.kind;
                return Ok(Room { name, kind });
            }
            Err(RoomNameError::Empty) => &messages::form_room_missing,
            Err(RoomNameError::TooLong) => &messages::form_room_too_long,
            Err(RoomNameError::EmptyPart) => &messages::form_room_slashes,
        };
        Err((Field::Room, problem))
    }

    /// Reads the fields of the account page.
    ///
    /// # Errors
    /// Every field that needs another look.
    pub fn new_account(&self) -> Result<NewAccount, Vec<Problem>> {
        let name = self.text(Field::NewAccount).trim();
        let mut problems =
            name_problems(Field::NewAccount, name, &messages::form_user_name_missing);
        let password = self.text(Field::NewPassword);
        if password.is_empty() {
            problems.push((Field::NewPassword, &messages::form_new_password_missing));
        } else if password != self.text(Field::Again) {
            problems.push((Field::Again, &messages::form_passwords_differ));
        }
        let registrar = self.text(Field::Registrar).trim();
        let registrar_password = self.text(Field::RegistrarPassword);
        if registrar.is_empty() {
            problems.push((Field::Registrar, &messages::form_registrar_missing));
        } else if registrar_password.is_empty() {
            let missing = &messages::form_registrar_password_missing;
            problems.push((Field::RegistrarPassword, missing));
        }
        let granted = ROLES.iter().zip(self.roles).filter(|(_, granted)| *granted);
        Ok(NewAccount {
            credentials: Credentials::new(name, password),
            registrar: Credentials::new(registrar, registrar_password),
            service: self.service_unless(problems)?,
            roles: granted.map(|((role, _), _)| *role).collect(),
        })
    }

    /// The service that is filled in, unless it or something else has problems.
    fn service_unless(&self, mut problems: Vec<Problem>) -> Result<Service, Vec<Problem>> {
        match self.service() {
            Ok(service) if problems.is_empty() => return Ok(service),
            Ok(_) => {}
            Err(problem) => problems.push(problem),
        }
        Err(problems)
    }

    /// Signs in as the account just made, under its name.
    pub fn use_new_account(&mut self) {
        let account = self.text(Field::NewAccount).trim();
        let credentials = Credentials::new(account, self.text(Field::NewPassword));
        self.put(Field::Name, &credentials.principal);
        self.set_credentials(&credentials);
        for field in [Field::NewAccount, Field::NewPassword, Field::Again] {
            self.put(field, "");
        }
    }

    fn service(&self) -> Result<Service, Problem> {
        if self.in_browser {
            return Ok(Service::in_browser().with_version(self.version));
        }
        let [host, port, path] = [Field::Host, Field::Port, Field::Path].map(|it| self.text(it));
        match parse_service(host, port, path, self.secure) {
            Ok(service) => Ok(service.with_version(self.version)),
            Err(ServiceError::Host) => Err((Field::Host, &messages::form_host_invalid)),
            Err(ServiceError::Port) => Err((Field::Port, &messages::form_port_invalid)),
            Err(ServiceError::Path) => Err((Field::Path, &messages::form_path_invalid)),
        }
    }

    /// The passwords that everybody knows are offered for this machine only, and taken away for any other.
    fn offer_development_accounts(&mut self) {
        let is_local = self.is_local();
        if self.shared && !is_local {
            self.shared = false;
            self.put(Field::Account, "");
            self.put(Field::Password, "");
        } else if is_local && [Field::Account, Field::Password].map(|it| self.text(it)) == ["", ""]
        {
            self.share();
        }
        let fields = [Field::Registrar, Field::RegistrarPassword];
        let public = [REGISTRAR, DEVELOPMENT_PASSWORD];
        let (from, to) = if is_local {
            (["", ""], public)
        } else {
            (public, ["", ""])
        };
        if fields.map(|it| self.text(it)) == from {
            self.put(fields[0], to[0]);
            self.put(fields[1], to[1]);
        }
    }

    fn put(&mut self, field: Field, text: &str) {
        text.clone_into(&mut self.texts[field as usize]);
    }
}

/// What is wrong with the name of somebody in a field, if anything is.
fn name_problems(field: Field, name: &str, missing: &'static Message) -> Vec<Problem> {
    let problem = if name.is_empty() {
        missing
    } else if name.chars().count() > MAX_NAME_LENGTH {
        &messages::form_name_too_long
    } else if is_like_system(name) {
        &messages::form_name_reserved
    } else if has_hidden(name) {
        &messages::form_name_hidden
    } else {
        return Vec::new();
    };
    vec![(field, problem)]
}

/// A version as in addresses and stored settings: nothing if none is set.
pub fn version_text(version: Option<u8>) -> String {
    version
        .map(|version| version.to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
