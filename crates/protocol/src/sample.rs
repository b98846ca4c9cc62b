//! Values of any wire type, made from bytes without a pattern: what property tests write and read.

use bytes::Bytes;

use crate::body::{
    CloseClientRequest, FetchRequest, FetchedTopic, FilterOutcome, MissingTopicOrigin,
    MissingTopicRequest, RemoveTopicsResponse, Role, SecurityStore, SelectRequest, SessionChange,
    SessionEvent, SystemAuthenticationStore, SystemPrincipal, TopicTypes, UpdateConstraint,
    UpdateSourceResult, UpdateStreamCreated, ValueComparison,
};
use crate::time_series::{Event, RangeAnchor, RangeSpan};
use crate::{ConversationId, Credentials, ErrorReason, ErrorReport, SessionId, TopicId, TopicType};

/// The source of choices; once it is used up, every choice is the first one.
pub(crate) struct Source {
    bytes: std::vec::IntoIter<u8>,
    depth: u32,
}

impl Source {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes: bytes.into_iter(),
            depth: 0,
        }
    }

    fn byte(&mut self) -> u8 {
        self.bytes.next().unwrap_or_default()
    }

    pub(crate) fn choose<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.byte()) % all.len()]
    }
}

pub(crate) trait Sample: Sized {
    fn sample(source: &mut Source) -> Self;
}

impl Sample for () {
    fn sample(_: &mut Source) -> Self {}
}

impl Sample for u8 {
    fn sample(source: &mut Source) -> Self {
        source.byte()
    }
}

impl Sample for u32 {
    fn sample(source: &mut Source) -> Self {
        u64::sample(source) as Self
    }
}

impl Sample for i32 {
    fn sample(source: &mut Source) -> Self {
        u64::sample(source) as Self
    }
}

/// Numbers of all lengths alike.
impl Sample for u64 {
    fn sample(source: &mut Source) -> Self {
        let length = source.byte() % 9;
        (0..length).fold(0, |number, _| number << 8 | Self::from(source.byte()))
    }
}

impl Sample for bool {
    fn sample(source: &mut Source) -> Self {
        source.byte() % 2 == 1
    }
}

impl Sample for String {
    fn sample(source: &mut Source) -> Self {
        let length = source.byte() % 8;
        (0..length)
            .map(|_| source.choose(&['a', '/', '>', '$', 'é', '😀', '\0', '\'']))
            .collect()
    }
}

impl Sample for Bytes {
    fn sample(source: &mut Source) -> Self {
        let length = source.byte() % 8;
        (0..length).map(|_| source.byte()).collect()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(source: &mut Source) -> Self {
        bool::sample(source).then(|| T::sample(source))
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(source: &mut Source) -> Self {
        let length = source.byte() % 4;
        (0..length).map(|_| T::sample(source)).collect()
    }
}

impl<A: Sample, B: Sample> Sample for (A, B) {
    fn sample(source: &mut Source) -> Self {
        (A::sample(source), B::sample(source))
    }
}

macro_rules! samples {
    ($( $name:ident { $( $field:ident ),* } )+) => {$(
        impl Sample for $name {
            fn sample(source: &mut Source) -> Self {
                Self { $( $field: Sample::sample(source) ),* }
            }
        }
    )+};
}

samples! {
    SessionId { server, local }
    ErrorReport { message, reason }
    SelectRequest { selector, scope }
    CloseClientRequest { session, reason }
    RemoveTopicsResponse { removed }
    MissingTopicRequest { origin, selector, handler }
    SessionEvent { session, change }
    SystemPrincipal { name, roles, locking_principal }
    SystemAuthenticationStore { principals, anonymous_action, anonymous_roles, trusted_properties }
    Role { name, global, default_path, paths, includes, locking_principal }
    SecurityStore { anonymous_roles, named_roles, roles, isolated_paths }
    FetchRequest {
        selector, from, to, types, with_values, with_properties, limit, maximum_size, deep_branch_depth,
        deep_branch_limit, with_unpublished, with_sizes
    }
    FetchedTopic { path, topic_type, value, property_set, size }
    ValueComparison { operator, kind, value }
    UpdateStreamCreated { stream, flags }
    Event { metadata, original, value }
}

impl Sample for ConversationId {
    fn sample(source: &mut Source) -> Self {
        Self(Sample::sample(source))
    }
}

impl Sample for TopicId {
    fn sample(source: &mut Source) -> Self {
        Self(Sample::sample(source))
    }
}

impl Sample for ErrorReason {
    fn sample(source: &mut Source) -> Self {
        Self::from_code(Sample::sample(source))
    }
}

impl Sample for Credentials {
    fn sample(source: &mut Source) -> Self {
        match source.byte() % 3 {
            0 => Self::None,
            1 => Self::Password(Sample::sample(source)),
            _ => Self::Custom(Sample::sample(source)),
        }
    }
}

impl Sample for TopicTypes {
    fn sample(source: &mut Source) -> Self {
        Vec::<TopicType>::sample(source)
            .into_iter()
            .fold(Self::NONE, Self::with)
    }
}

impl Sample for MissingTopicOrigin {
    fn sample(source: &mut Source) -> Self {
        if bool::sample(source) {
            Self::Session(Sample::sample(source))
        } else {
            Self::Properties {
                properties: Sample::sample(source),
                servers: Sample::sample(source),
            }
        }
    }
}

impl Sample for SessionChange {
    fn sample(source: &mut Source) -> Self {
        match source.byte() % 4 {
            0 => Self::Opened(Sample::sample(source)),
            1 => Self::Updated {
                kind: Sample::sample(source),
                old: Sample::sample(source),
                new: Sample::sample(source),
            },
            2 => Self::Changed {
                kind: Sample::sample(source),
                changes: Sample::sample(source),
            },
            _ => Self::Closed {
                reason: Sample::sample(source),
                properties: Sample::sample(source),
            },
        }
    }
}

impl Sample for FilterOutcome {
    fn sample(source: &mut Source) -> Self {
        match source.byte() % 2 {
            0 => Self::Response(Sample::sample(source)),
            _ => Self::Failure(Sample::sample(source)),
        }
    }
}

impl Sample for UpdateSourceResult {
    fn sample(source: &mut Source) -> Self {
        match source.byte() % 3 {
            0 => Self::Success,
            1 => Self::Failure(Sample::sample(source)),
            _ => Self::BareFailure(Sample::sample(source)),
        }
    }
}

impl Sample for UpdateConstraint {
    fn sample(source: &mut Source) -> Self {
        // Only so deep that the reader does not refuse it.
        let kinds = if source.depth < 3 { 8 } else { 6 };
        source.depth += 1;
        let constraint = match source.byte() % kinds {
            0 => Self::Unconstrained,
            1 => Self::Value(Sample::sample(source)),
            2 => Self::NoValue,
            3 => Self::Locked {
                name: Sample::sample(source),
                sequence: Sample::sample(source),
            },
            4 => Self::NoTopic,
            5 => Self::PartialJson {
                with: Sample::sample(source),
                without: Sample::sample(source),
            },
            6 => Self::Conjunction(Sample::sample(source)),
            _ => Self::Disjunction(Sample::sample(source)),
        };
        source.depth -= 1;
        constraint
    }
}

impl Sample for RangeAnchor {
    fn sample(source: &mut Source) -> Self {
        let number = u64::sample(source);
        source.choose(&[
            Self::Start,
            Self::Sequence(number),
            Self::Time(number),
            Self::Last(number),
            Self::LastMillis(number),
        ])
    }
}

impl Sample for RangeSpan {
    fn sample(source: &mut Source) -> Self {
        let number = u64::sample(source);
        source.choose(&[
            Self::ToStart,
            Self::ToSequence(number),
            Self::ToTime(number),
            Self::UntilLast(number),
            Self::UntilLastMillis(number),
            Self::Next(number),
            Self::NextMillis(number),
            Self::Previous(number),
            Self::PreviousMillis(number),
        ])
    }
}
