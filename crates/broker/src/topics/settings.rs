//! What a topic specification asks for, checked once when the topic is added.
//!
//! Source: the API documentation of `TopicSpecification`. Properties that a topic type does not use, or that the
//! broker does not know, are kept and passed over.

use effusion_protocol::time_series::RangeExpression;
use effusion_protocol::value::DataType;
use effusion_protocol::{TopicSpecification, TopicType, property};

use crate::lexer::{Lexeme, lexemes};

use super::removal_policy::Removal;

/// The most properties of a specification, and the most bytes of their names and values: a specification is sent to every
/// subscriber, and compared when the topic is added again.
const MAX_PROPERTIES: usize = 100;
const MAX_PROPERTY_BYTES: usize = 32 * 1024;

/// How many events a time series keeps if its specification does not say.
const DEFAULT_RETAINED: u64 = 10;

/// The topic that a SLAVE topic is a name for (source: `v60TopicNotifications.jsonl`).
const SLAVE_MASTER_TOPIC: &str = "SLAVE_MASTER_TOPIC";

/// A checked specification.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The type of the topic's values, or of its events' values.
    pub(crate) data_type: DataType,
    /// A SLAVE topic: a name for another topic (before 6.2). It is listed, but takes no values.
    pub(crate) is_slave: bool,
    /// Present for a time series.
    pub(crate) series: Option<SeriesSettings>,
    pub(crate) publishes_deltas: bool,
    pub(crate) retains_value: bool,
    pub(crate) is_persistent: bool,
    pub(crate) conflation: Conflation,
    pub(crate) priority: Priority,
    /// How hard values are compressed for clients that read it, as zlib counts; `None` is not at all.
    pub(crate) compression: Option<u8>,
    /// Updates that wait for a client are dropped when its subscription ends.
    pub(crate) is_tidy: bool,
    /// The principal that may read, update and remove the topic whatever its roles.
    pub(crate) owner: Option<String>,
    pub(crate) removal: Option<Removal>,
}

/// What is done with updates that wait for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflation {
    /// Nothing.
    Off,
    /// Only the latest is kept if too much waits.
    Conflate,
    /// The subscription ends if too much waits.
    Unsubscribe,
    /// Only the latest is kept.
    Always,
}

/// Whose updates are sent first, of those that wait for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    High,
    Default,
    Low,
}

/// The ranges of a time series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeriesSettings {
    pub(crate) retained: RangeExpression,
    /// What a new subscriber receives; `None` is nothing.
    pub(crate) subscription: Option<RangeExpression>,
    /// A new subscriber receives the latest event even if the range is empty, since deltas would build on it.
    pub(crate) sends_latest: bool,
}

impl Settings {
    /// Checks a specification.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn of(specification: &TopicSpecification) -> Result<Self, String> {
        if specification.properties.len() > MAX_PROPERTIES {
            return Err(format!(
                "A topic specification cannot have more than {MAX_PROPERTIES} properties"
            ));
        }
        let bytes: usize = specification
            .properties
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        if bytes > MAX_PROPERTY_BYTES {
            return Err(format!(
                "The properties of a topic specification cannot be longer than {MAX_PROPERTY_BYTES} bytes"
            ));
        }
        Self::checked(specification, Some)
    }

    /// The settings of a stored topic, and what a rule that is newer than the topic refuses of them: the topic does without
    /// it, instead of the service without the topic.
    ///
    /// # Errors
    /// If nothing can be made of the specification.
    pub(crate) fn of_stored(
        specification: &TopicSpecification,
    ) -> Result<(Self, Option<String>), String> {
        let complaint = match Self::of(specification) {
            Ok(settings) => return Ok((settings, None)),
            Err(complaint) => complaint,
        };
        let settings = Self::checked(specification, |_| None)?;
        // With the bounds left out, the policy may be a good one.
        let settings = Self::checked(specification, Some).unwrap_or(settings);
        Ok((settings, Some(complaint)))
    }

    /// `removal` says what is made of the removal policy.
    fn checked<'s>(
        specification: &'s TopicSpecification,
        removal: impl FnOnce(&'s str) -> Option<&'s str>,
    ) -> Result<Self, String> {
        let get = |name: &str| specification.get(name);
        let values_only = boolean(specification, property::PUBLISH_VALUES_ONLY)?;
        let is_slave = specification.topic_type == TopicType::Slave;
        let (data_type, series) = if specification.topic_type == TopicType::TimeSeries {
            let name = get(property::TIME_SERIES_EVENT_VALUE_TYPE)
                .ok_or_else(|| missing(property::TIME_SERIES_EVENT_VALUE_TYPE))?;
            let data_type = DataType::from_name(name)
                .ok_or_else(|| invalid(property::TIME_SERIES_EVENT_VALUE_TYPE, name))?;
            (data_type, Some(series(specification, values_only)?))
        } else if is_slave {
            if get(SLAVE_MASTER_TOPIC).is_none() {
                return Err(missing(SLAVE_MASTER_TOPIC));
            }
            (DataType::Binary, None)
        } else {
            let data_type = DataType::of_topic(specification.topic_type).ok_or_else(|| {
                format!(
                    "Topics of type {:?} cannot be added",
                    specification.topic_type
                )
            })?;
            (data_type, None)
        };
        let conflation = if series.is_some() {
            // Events are not to be missed.
            &CONFLATION[..2]
        } else {
            CONFLATION
        };
        let default_conflation = if series.is_some() {
            Conflation::Off
        } else {
            Conflation::Conflate
        };
        let conflation = one_of(specification, property::CONFLATION, conflation)?;
        let compression = one_of(specification, property::COMPRESSION, COMPRESSION)?;
        let priority = one_of(specification, property::PRIORITY, PRIORITY)?;
        boolean(specification, property::VALIDATE_VALUES)?;
        let is_tidy = boolean(specification, property::TIDY_ON_UNSUBSCRIBE)?;
        let retains_value =
            series.is_some() || !boolean(specification, property::DONT_RETAIN_VALUE)?;
        // Numbers are as short as any delta of them could be; time series are sent by the event.
        let has_deltas = matches!(
            data_type,
            DataType::Json | DataType::String | DataType::Binary | DataType::RecordV2
        ) && series.is_none();
        Ok(Self {
            data_type,
            is_slave,
            series,
            publishes_deltas: has_deltas && !values_only && retains_value,
            retains_value,
            is_persistent: get(property::PERSISTENT)
                .is_none_or(|text| !text.eq_ignore_ascii_case("false")),
            conflation: conflation.unwrap_or(default_conflation),
            priority: priority.unwrap_or(Priority::Default),
            compression: compression.unwrap_or(Some(LOW)),
            is_tidy,
            owner: get(property::OWNER)
                .map(|text| owner(text).ok_or_else(|| invalid(property::OWNER, text)))
                .transpose()?,
            removal: get(property::REMOVAL)
                .and_then(removal)
                .map(|text| {
                    Removal::parse(text)
                        .map_err(|error| format!("{}: {error}", invalid(property::REMOVAL, text)))
                })
                .transpose()?,
        })
    }
}

/// The words of a captured server (`v60errors.jsonl`).
fn missing(name: &str) -> String {
    format!("Missing mandatory property {name}")
}

fn invalid(name: &str, value: &str) -> String {
    // A text as long as the message that it came in helps nobody.
    let shown = value
        .char_indices()
        .nth(MAX_SHOWN)
        .map_or(value, |(end, _)| &value[..end]);
    let rest = if shown.len() < value.len() { "…" } else { "" };
    format!("Invalid value '{shown}{rest}' for property '{name}'")
}

/// How much of a wrong value is repeated in an error, in characters.
const MAX_SHOWN: usize = 200;

fn boolean(specification: &TopicSpecification, name: &str) -> Result<bool, String> {
    match specification.get(name) {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(text) => Err(invalid(name, text)),
    }
}

/// Zlib's levels of the compression policies; the default is low.
const LOW: u8 = 1;
const MEDIUM: u8 = 6;
const HIGH: u8 = 9;

const COMPRESSION: &[(&str, Option<u8>)] = &[
    ("off", None),
    ("low", Some(LOW)),
    ("medium", Some(MEDIUM)),
    ("high", Some(HIGH)),
    // Before 6.4.
    ("true", Some(MEDIUM)),
    ("false", None),
];
/// The first two are all that a time series may have.
const CONFLATION: &[(&str, Conflation)] = &[
    ("off", Conflation::Off),
    ("unsubscribe", Conflation::Unsubscribe),
    ("conflate", Conflation::Conflate),
    ("always", Conflation::Always),
];
const PRIORITY: &[(&str, Priority)] = &[
    ("high", Priority::High),
    ("default", Priority::Default),
    ("low", Priority::Low),
];

fn one_of<T: Copy>(
    specification: &TopicSpecification,
    name: &str,
    allowed: &[(&str, T)],
) -> Result<Option<T>, String> {
    let Some(text) = specification.get(name) else {
        return Ok(None);
    };
    allowed
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text))
        .map(|(_, value)| Some(*value))
        .ok_or_else(|| invalid(name, text))
}

fn range(
    specification: &TopicSpecification,
    name: &str,
) -> Result<Option<RangeExpression>, String> {
    specification
        .get(name)
        .map(|text| {
            text.parse()
                .map_err(|error| format!("{}: {error}", invalid(name, text)))
        })
        .transpose()
}

fn series(specification: &TopicSpecification, values_only: bool) -> Result<SeriesSettings, String> {
    let subscription = range(specification, property::TIME_SERIES_SUBSCRIPTION_RANGE)?;
    let retained = range(specification, property::TIME_SERIES_RETAINED_RANGE)?
        .unwrap_or(RangeExpression::limit(DEFAULT_RETAINED));
    // The newest event tells where sequences go on, so that one is always kept.
    if retained.limit == Some(0) {
        return Err(invalid(property::TIME_SERIES_RETAINED_RANGE, "limit 0"));
    }
    Ok(SeriesSettings {
        retained,
        // Without a range, a new subscriber gets the latest event, unless the topic sends no deltas.
        subscription: subscription.or((!values_only).then_some(RangeExpression::limit(1))),
        sends_latest: !values_only,
    })
}

/// `$Principal is 'name'`.
fn owner(text: &str) -> Option<String> {
    let lexemes = lexemes(text).ok()?;
    match lexemes.as_slice() {
        [
            (Lexeme::Word(key), _),
            (Lexeme::Word(operator), _),
            (Lexeme::Text(name), _),
        ] if key == "$Principal" && operator.eq_ignore_ascii_case("is") => Some(name.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(topic_type: TopicType, properties: &[(&str, &str)]) -> Result<Settings, String> {
        let mut specification = TopicSpecification::new(topic_type);
        for (name, value) in properties {
            specification = specification.with(name, value);
        }
        Settings::of(&specification)
    }

    #[test]
    fn a_time_series_needs_an_event_type() {
        assert_eq!(
            settings(TopicType::TimeSeries, &[]).unwrap_err(),
            "Missing mandatory property TIME_SERIES_EVENT_VALUE_TYPE"
        );
        let event_type = (property::TIME_SERIES_EVENT_VALUE_TYPE, "json");
        let series = settings(TopicType::TimeSeries, &[event_type]).unwrap();
        assert_eq!(series.data_type, DataType::Json);
        let ranges = series.series.unwrap();
        assert_eq!(ranges.retained, RangeExpression::limit(10));
        assert_eq!(ranges.subscription, Some(RangeExpression::limit(1)));
        let values_only = (property::PUBLISH_VALUES_ONLY, "true");
        let series = settings(TopicType::TimeSeries, &[event_type, values_only]).unwrap();
        assert_eq!(series.series.unwrap().subscription, None);
        for bad in [
            (property::TIME_SERIES_RETAINED_RANGE, "10"),
            (property::TIME_SERIES_RETAINED_RANGE, "limit 0"),
            (property::TIME_SERIES_SUBSCRIPTION_RANGE, "last"),
            (property::CONFLATION, "always"),
        ] {
            assert!(settings(TopicType::TimeSeries, &[event_type, bad]).is_err());
        }
    }

    #[test]
    fn deltas_are_for_values_that_are_kept() {
        let deltas = |topic_type, properties: &[_]| {
            settings(topic_type, properties).unwrap().publishes_deltas
        };
        assert!(deltas(TopicType::Json, &[]));
        assert!(!deltas(TopicType::Int64, &[]));
        assert!(!deltas(
            TopicType::Json,
            &[(property::PUBLISH_VALUES_ONLY, "true")]
        ));
        assert!(!deltas(
            TopicType::Json,
            &[(property::DONT_RETAIN_VALUE, "true")]
        ));
    }

    #[test]
    fn an_owner_is_a_principal() {
        let owner = |text| settings(TopicType::Json, &[(property::OWNER, text)]).map(|it| it.owner);
        assert_eq!(owner("$Principal is \"al\""), Ok(Some("al".to_owned())));
        assert!(owner("al").is_err());
    }

    #[test]
    fn bad_values_are_told() {
        for (name, value) in [
            (property::PUBLISH_VALUES_ONLY, "maybe"),
            (property::COMPRESSION, "much"),
            (property::PRIORITY, "urgent"),
            (property::CONFLATION, "sometimes"),
            (property::REMOVAL, "never"),
        ] {
            let error = settings(TopicType::Json, &[(name, value)]).unwrap_err();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
        assert!(settings(TopicType::Stateless, &[]).is_err());
        assert!(settings(TopicType::Json, &[("SOMETHING_NEW", "x")]).is_ok());
    }
}
