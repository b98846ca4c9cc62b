//! The moderator's desk: events come in, actions go out, and each is logged.

use std::collections::HashMap;

use effusion_chat::moderation::{
    Action, Deed, LOG_RANGE, Ledger, LogEntry, Rules, Said, Watch, restricted_role,
};
use effusion_chat::{
    ChatMessage, DIRECT_RANGE, DirectMessage, MODERATION_LOG, MODERATION_RULES, RightsNotice,
    RoomName, Target, Timestamp, direct_path,
};
use effusion_client::{
    ErrorReason, Json, Session, TimeSeriesEvent, TopicSpecification, TopicType, UpdateConstraint,
    property,
};
use effusion_protocol::body::ValueComparison;

use crate::rights::{apply, roles_of};
use crate::{Failure, Happening, Inbox};

/// The name of the lock that a desk holds while it is on duty.
pub const DUTY: &str = "Effusion/moderation";

/// The name that a moderator's messages bear.
const NAME: &str = "Moderator";

/// What has come of something, for whoever looks on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A message breaks the rules; what was done about it follows.
    Flagged {
        /// Where.
        room: RoomName,
        /// Who said it; empty if nobody can tell.
        principal: String,
        /// When, in milliseconds since 1970; none if it was there before this desk.
        at: Option<i64>,
        /// The text as it was written.
        text: String,
        /// The entries of the rules that were found.
        found: Vec<String>,
    },
    /// Something was done, and is in the log at this place.
    Done(u64, LogEntry),
    /// Something was not done.
    NotDone(Failure),
    /// There are new rules, and they are in force.
    Rules(Rules),
}

/// A moderator at work.
pub struct Desk {
    session: Session,
    /// The moderator's own principal: what it writes is not judged.
    principal: String,
    watch: Watch,
    ledger: Ledger,
    /// Whether this desk acts. Others only watch: each message is judged once.
    on_duty: bool,
    /// When this desk began to act, by the service's clock where that is known: earlier messages get no strikes.
    since: i64,
    /// What stands in the rooms, to hide words in a message that is edited.
    shown: HashMap<(RoomName, u64), ChatMessage>,
}

/// How many messages to remember for the judgement of later ones.
const REMEMBERED: usize = 20_000;

impl Desk {
    /// Opens a desk for a principal, at a time in milliseconds since 1970. Creates the topics of rules and log, if they are
    /// not there.
    ///
    /// # Errors
    /// If the session may not make or select them.
    pub async fn open(
        session: Session,
        principal: &str,
        now: i64,
    ) -> Result<(Self, Inbox), Failure> {
        let topics = session.topics();
        topics
            .add(MODERATION_LOG, series(LOG_RANGE))
            .await
            .map_err(Failure::of("making the log"))?;
        let rules = TopicSpecification::new(TopicType::Json);
        topics
            .add(MODERATION_RULES, rules)
            .await
            .map_err(Failure::of("making the topic of the rules"))?;
        let inbox = Inbox::open(&session).await?;
        let watch = Watch::new(Rules::default()).map_err(Failure::Rules)?;
        let desk = Self {
            session,
            principal: principal.to_owned(),
            watch,
            ledger: Ledger::default(),
            on_duty: false,
            since: now,
            shown: HashMap::new(),
        };
        Ok((desk, inbox))
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        self.watch.rules()
    }

    /// The log, and what follows from it.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Publishes new rules: they apply at every desk once the service has them.
    ///
    /// # Errors
    /// If they cannot be used, or the service refuses them.
    pub async fn publish(&mut self, rules: Rules) -> Result<(), Failure> {
        rules.filter().map_err(Failure::Rules)?;
        self.session
            .topic_update()
            .set(MODERATION_RULES, &rules)
            .await
            .map_err(Failure::of("publishing the rules"))?;
        self.watch.change_rules(rules).map_err(Failure::Rules)?;
        self.log(LogEntry::new(Deed::Ruled, "", String::new()))
            .await?;
        Ok(())
    }

    /// Begins to act, which at one time one desk should: see [`DUTY`]. What the log says is made so, in case a moderator was
    /// interrupted between writing down and doing, and what nobody has judged meanwhile is looked at.
    pub async fn begin_duty(&mut self) -> Vec<Report> {
        self.on_duty = true;
        let mut reports = self.settle().await;
        let mut messages: Vec<_> = self.shown.clone().into_iter().collect();
        messages.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for ((room, place), message) in messages {
            let said = Said {
                room,
                // Strikes are for messages sent while a moderator is on duty.
                principal: String::new(),
                target: Some(Target::Sequence(place)),
                message,
            };
            reports.extend(self.judge(said, i64::MIN, None).await);
        }
        reports
    }

    /// Whether this desk acts.
    #[must_use]
    pub fn is_on_duty(&self) -> bool {
        self.on_duty
    }

    /// Processes an event, at a time in milliseconds since 1970, and does what the rules require.
    pub async fn take(&mut self, happening: Happening, now: i64) -> Vec<Report> {
        match happening {
            Happening::Event { room, event } => self.event(room, event).await,
            Happening::Value {
                room,
                value,
                retained,
            } => self.value(room, &value, retained, now).await,
            Happening::Rules(json) => self.new_rules(&json),
            Happening::LogRestarted => {
                self.ledger.clear();
                Vec::new()
            }
            Happening::Logged {
                sequence, entry, ..
            } => {
                self.ledger.add(sequence, entry);
                Vec::new()
            }
            Happening::Closed => Vec::new(),
        }
    }

    /// Records a message without judging it, so that it can be shown again if it was hidden.
    pub fn remember(&mut self, happening: Happening) {
        if let Happening::Event { room, event } = happening
            && let Some(message) = ChatMessage::from_json(&event.value)
        {
            self.keep(room, event.original().sequence, message);
        }
    }

    /// When something expires next that this desk has to undo, in milliseconds since 1970; none if nothing does.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        self.ledger.next_due().filter(|_| self.on_duty)
    }

    /// Undoes what has expired by a time, in milliseconds since 1970. To be called once [`Self::next_due`] has come, and again after a
    /// while where something could not be undone.
    pub async fn tick(&mut self, now: i64) -> Vec<Report> {
        let mut reports = Vec::new();
        if !self.on_duty {
            return reports;
        }
        for sequence in self.ledger.due(now) {
            reports.push(match self.undo(sequence, "its time was over").await {
                Ok((place, entry)) => Report::Done(place, entry),
                Err(failure) => Report::NotDone(failure),
            });
        }
        reports
    }

    /// Makes the rights of everyone what the log says.
    async fn settle(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        for principal in self.ledger.restricted() {
            let before = self.ledger.roles_before(&principal).map(<[_]>::to_vec);
            let before = before.unwrap_or_default();
            if let Err(failure) = apply(&self.session, &self.ledger, &principal, &before).await {
                reports.push(Report::NotDone(failure));
            }
        }
        reports
    }

    /// Withdraws rights from a principal: [`Deed::Muted`] and [`Deed::Removed`] in a room, [`Deed::Locked`] everywhere.
    ///
    /// # Errors
    /// If the principal is exempt or has no account, there is no such room, or the service refuses it.
    pub async fn withdraw(
        &mut self,
        deed: Deed,
        principal: &str,
        room: Option<RoomName>,
        until: Option<i64>,
        why: &str,
    ) -> Result<(u64, LogEntry), Failure> {
        if principal == self.principal || self.rules().exempt.iter().any(|e| e == principal) {
            return Err(Failure::Exempt(principal.to_owned()));
        }
        let known = self.ledger.roles_before(principal).map(<[_]>::to_vec);
        let before = match known {
            Some(before) => before,
            None => {
                let mut roles = roles_of(&self.session, principal).await?;
                // Left over from a log that is gone: it must not be given back.
                roles.retain(|role| *role != restricted_role(principal));
                roles
            }
        };
        if let Some(room) = &room
            && !self.has_room(room).await?
        {
            return Err(Failure::NoRoom(room.clone()));
        }
        let entry = LogEntry {
            room,
            roles: Some(before.clone()),
            until,
            ..LogEntry::new(deed, principal, why.to_owned())
        };
        // Logged first, so that the log always holds what has to be given back.
        let sequence = self.log(entry.clone()).await?;
        apply(&self.session, &self.ledger, principal, &before).await?;
        self.tell_of_rights(&entry, true).await;
        Ok((sequence, entry))
    }

    /// Whether the service has a topic for a room.
    async fn has_room(&self, room: &RoomName) -> Result<bool, Failure> {
        let selector = [">", &room.topic_path()].concat();
        let found = self.session.fetch(&selector).fetch().await;
        let found = found.map_err(Failure::of("looking up the room"))?;
        Ok(!found.topics.is_empty())
    }

    /// Undoes what the log has at this place.
    ///
    /// # Errors
    /// If there is no such entry, it cannot be undone, or the service refuses it.
    pub async fn undo(&mut self, sequence: u64, why: &str) -> Result<(u64, LogEntry), Failure> {
        let Some(entry) = self.ledger.entry(sequence).cloned() else {
            return Err(Failure::NoEntry(sequence));
        };
        if !entry.can_be_undone() || self.ledger.is_undone(sequence) {
            return Err(Failure::NotToUndo(sequence));
        }
        let undone = LogEntry {
            of: Some(sequence),
            room: entry.room.clone(),
            target: entry.target,
            ..LogEntry::new(Deed::Undone, &entry.principal, why.to_owned())
        };
        if entry.deed == Deed::Bleeped {
            self.put_back(&entry).await?;
            self.watch.forgive(&entry.principal);
        }
        // What applied before has to be known before the entry is undone.
        let before = self
            .ledger
            .roles_before(&entry.principal)
            .map(<[_]>::to_vec);
        let place = self.log(undone.clone()).await?;
        if entry.deed != Deed::Bleeped {
            let before = before.unwrap_or_default();
            apply(&self.session, &self.ledger, &entry.principal, &before).await?;
            self.tell_of_rights(&entry, false).await;
        }
        Ok((place, undone))
    }

    async fn event(&mut self, room: RoomName, event: TimeSeriesEvent<Json>) -> Vec<Report> {
        let place = event.original().sequence;
        let at = i64::try_from(event.metadata.timestamp_millis()).unwrap_or(i64::MAX);
        let Some(message) = ChatMessage::from_json(&event.value) else {
            return Vec::new();
        };
        self.keep(room.clone(), place, message.clone());
        if event.metadata.author == self.principal && event.is_edit() {
            return Vec::new(); // A moderator's own doing.
        }
        let said = Said {
            room,
            principal: event.metadata.author.clone(),
            target: Some(Target::Sequence(place)),
            message,
        };
        self.judge(said, at, None).await
    }

    fn keep(&mut self, room: RoomName, place: u64, message: ChatMessage) {
        if self.shown.len() >= REMEMBERED {
            self.shown.clear();
        }
        self.shown.insert((room, place), message);
    }

    async fn value(
        &mut self,
        room: RoomName,
        value: &Json,
        retained: bool,
        now: i64,
    ) -> Vec<Report> {
        let Some(message) = ChatMessage::from_json(value) else {
            return Vec::new();
        };
        let said = Said {
            room,
            // The service does not record the author of a value.
            principal: String::new(),
            target: message.id.map(Target::Id),
            message,
        };
        self.judge(said, if retained { i64::MIN } else { now }, Some(value))
            .await
    }

    fn new_rules(&mut self, json: &Json) -> Vec<Report> {
        let Some(rules) = Rules::from_json(json) else {
            return Vec::new();
        };
        if rules == *self.rules() {
            return Vec::new();
        }
        vec![match self.watch.change_rules(rules.clone()) {
            Ok(()) => Report::Rules(rules),
            Err(error) => Report::NotDone(Failure::Rules(error)),
        }]
    }

    async fn judge(&mut self, said: Said, at: i64, value: Option<&Json>) -> Vec<Report> {
        let actions = if at < self.since || !self.on_duty {
            self.watch.look_back(&said).into_iter().collect()
        } else {
            self.watch.see(&said, at)
        };
        let mut reports = Vec::new();
        let mut why = String::new();
        for action in actions {
            if let Action::Bleep { found, .. } = &action {
                why = found.join(", ");
                reports.push(Report::Flagged {
                    room: said.room.clone(),
                    principal: said.principal.clone(),
                    at: (at > i64::MIN).then_some(at),
                    text: said.message.text.clone(),
                    found: found.clone(),
                });
            }
            if !self.on_duty {
                break;
            }
            match self.act(action, &said, value, &why).await {
                Ok(Some((sequence, entry))) => reports.push(Report::Done(sequence, entry)),
                Ok(None) => {}
                Err(failure) => reports.push(Report::NotDone(failure)),
            }
        }
        reports
    }

    /// Carries out one action. None if it was no longer needed.
    async fn act(
        &mut self,
        action: Action,
        said: &Said,
        value: Option<&Json>,
        why: &str,
    ) -> Result<Option<(u64, LogEntry)>, Failure> {
        match action {
            Action::Bleep {
                room,
                target,
                message,
                found,
                principal,
            } => {
                if !self.replace(&room, target, value, &message).await? {
                    return Ok(None);
                }
                let entry = LogEntry {
                    room: Some(room),
                    target,
                    text: Some(said.message.text.clone()),
                    ..LogEntry::new(Deed::Bleeped, &principal, found.join(", "))
                };
                Ok(Some((self.log(entry.clone()).await?, entry)))
            }
            Action::Warn {
                principal,
                room,
                strikes,
            } => {
                self.warn(&principal, &room, strikes).await?;
                let entry = LogEntry {
                    room: Some(room),
                    ..LogEntry::new(Deed::Warned, &principal, why.to_owned())
                };
                Ok(Some((self.log(entry.clone()).await?, entry)))
            }
            Action::Mute {
                principal,
                room,
                until,
            } => {
                let room = Some(room);
                let done = self.withdraw(Deed::Muted, &principal, room, until, why);
                done.await.map(Some)
            }
            Action::Remove {
                principal,
                room,
                until,
            } => {
                let room = Some(room);
                let done = self.withdraw(Deed::Removed, &principal, room, until, why);
                done.await.map(Some)
            }
            Action::Lock { principal } => {
                let done = self.withdraw(Deed::Locked, &principal, None, None, why);
                done.await.map(Some)
            }
        }
    }

    /// Replaces an event or, in a live room, a value by a message. False if that value is no longer there.
    async fn replace(
        &mut self,
        room: &RoomName,
        target: Option<Target>,
        value: Option<&Json>,
        message: &ChatMessage,
    ) -> Result<bool, Failure> {
        const WHAT: &str = "hiding words of a message";
        let path = room.topic_path();
        let Some(value) = value else {
            let Some(Target::Sequence(sequence)) = target else {
                return Err(Failure::NoMessage);
            };
            let edited = self.session.time_series().edit(&path, sequence, message);
            edited.await.map_err(Failure::of(WHAT))?;
            return Ok(true);
        };
        // Only if nobody has said anything else since.
        let still = UpdateConstraint::Value(ValueComparison::is(value.as_cbor().clone()));
        let set = self.session.topic_update().set_if(&path, message, still);
        match set.await {
            Ok(()) => Ok(true),
            Err(error) if error.refusal() == Some(ErrorReason::UnsatisfiedConstraint) => Ok(false),
            Err(error) => Err(Failure::of(WHAT)(error)),
        }
    }

    /// Shows a message again as it was written.
    async fn put_back(&mut self, entry: &LogEntry) -> Result<(), Failure> {
        let (Some(room), Some(text), Some(Target::Sequence(sequence))) =
            (&entry.room, &entry.text, entry.target)
        else {
            return Err(Failure::NoMessage);
        };
        let key = (room.clone(), sequence);
        let Some(shown) = self.shown.get(&key).filter(|shown| shown.bleeped) else {
            return Err(Failure::NoMessage);
        };
        let message = ChatMessage {
            text: text.clone(),
            bleeped: false,
            ..shown.clone()
        };
        self.session
            .time_series()
            .edit(&room.topic_path(), sequence, &message)
            .await
            .map_err(Failure::of("showing a message again"))?;
        Ok(())
    }

    /// Tells a principal that rights in a room were withdrawn, or are back. What was done holds although they may not hear of it.
    async fn tell_of_rights(&self, entry: &LogEntry, withdrawn: bool) {
        let Some(room) = entry.room.clone() else {
            return; // Whoever is locked out reads nothing.
        };
        let reading = if entry.deed == Deed::Removed {
            "read or write"
        } else {
            "write"
        };
        let mut text = if withdrawn {
            format!("A moderator has decided that you can’t {reading} in “{room}” for now.")
        } else {
            format!("You can {reading} in “{room}” again.")
        };
        if withdrawn && !entry.why.is_empty() {
            text.push_str(&format!(" Reason: {}.", entry.why.trim_end_matches('.')));
        }
        let rights = RightsNotice {
            room,
            withdrawn,
            until: entry.until.filter(|_| withdrawn),
        };
        // A principal without an inbox, or a service without direct messages.
        let _ = self.tell(&entry.principal, text, Some(rights)).await;
    }

    async fn warn(&self, principal: &str, room: &RoomName, strikes: u32) -> Result<(), Failure> {
        let text = format!(
            "Your message in “{room}” contained words that aren’t allowed there. They were hidden. {}",
            self.rules().what_follows(strikes)
        );
        self.tell(principal, text, None).await
    }

    /// Puts a message into a principal's inbox.
    async fn tell(
        &self,
        principal: &str,
        text: String,
        rights: Option<RightsNotice>,
    ) -> Result<(), Failure> {
        let Some(path) = direct_path(principal) else {
            return Err(Failure::NoPrincipal(principal.to_owned()));
        };
        let specification = series(DIRECT_RANGE).with(
            property::OWNER,
            &["$Principal is '", &principal.replace('\'', "\\'"), "'"].concat(),
        );
        self.session
            .topics()
            .add(&path, specification)
            .await
            .map_err(Failure::of("making an inbox"))?;
        let message = DirectMessage {
            to: principal.to_owned(),
            message: ChatMessage {
                text,
                name: NAME.to_owned(),
                timestamp: Timestamp::Missing,
                ..ChatMessage::default()
            },
            rights,
        };
        self.session
            .time_series()
            .append(&path, &message)
            .await
            .map_err(Failure::of("telling somebody"))?;
        Ok(())
    }

    /// Writes something down.
    async fn log(&mut self, entry: LogEntry) -> Result<u64, Failure> {
        let metadata = self
            .session
            .time_series()
            .append(MODERATION_LOG, &entry)
            .await
            .map_err(Failure::of("writing the log"))?;
        self.ledger.add(metadata.sequence, entry);
        Ok(metadata.sequence)
    }
}

fn series(range: &str) -> TopicSpecification {
    TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
        .with(property::TIME_SERIES_RETAINED_RANGE, range)
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, range)
}
