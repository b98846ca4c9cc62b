//! Update constraints: what must hold for an update to be made.
//!
//! Source: the API documentation of `UpdateConstraint` and `PartialJSON`.

use bytes::Bytes;
use core::cmp::Ordering;
use effusion_protocol::body::{
    ConstraintOperator, ConstraintValueKind, UpdateConstraint, ValueComparison,
};
use effusion_protocol::value::{DataType, Json};
use serde_json::Value as Tree;
use std::collections::BTreeMap;

use crate::caller::SessionKey;

/// How many bytes of a value may be looked at again, beyond its own length, to compare parts of it that are written in
/// another way than the SDKs write them.
const SPARE_BYTES: usize = 64 * 1024;

/// What a constraint is about.
pub(crate) struct Subject<'a> {
    /// The topic's type of values and its value; `None` if there is no topic.
    pub(crate) topic: Option<(DataType, Option<&'a Bytes>)>,
    pub(crate) session: Option<SessionKey>,
    /// Whether a session holds a lock of this name and sequence.
    pub(crate) holds_lock: &'a dyn Fn(&str, SessionKey, u64) -> bool,
}

/// A constraint would take longer to check than its size and the value's justify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The update constraint compares too many large parts of the value")]
pub(crate) struct TooCostly;

/// Whether a constraint holds. The time grows with the size of the constraint and of the topic's value: all pointers are
/// looked for in one walk through the value, and no part of it is copied to be compared.
pub(crate) fn holds(
    constraint: &UpdateConstraint,
    subject: &Subject<'_>,
) -> Result<bool, TooCostly> {
    let mut pointers = Vec::new();
    collect_pointers(constraint, &mut pointers);
    let json = match subject.topic {
        Some((DataType::Json, Some(value))) => Some(Json::from_cbor(value.clone())),
        _ => None,
    };
    let found = match &json {
        Some(json) if !pointers.is_empty() => json.find(pointers),
        _ => BTreeMap::new(),
    };
    let mut check = Check {
        subject,
        found,
        has_json: json.is_some(),
        bytes_left: SPARE_BYTES + json.map_or(0, |json| json.as_cbor().len()),
    };
    check.holds(constraint)
}

fn collect_pointers<'c>(constraint: &'c UpdateConstraint, pointers: &mut Vec<&'c str>) {
    match constraint {
        UpdateConstraint::Conjunction(list) | UpdateConstraint::Disjunction(list) => {
            for constraint in list {
                collect_pointers(constraint, pointers);
            }
        }
        UpdateConstraint::PartialJson { with, without } => {
            pointers.extend(with.iter().map(|(pointer, _)| pointer.as_str()));
            pointers.extend(without.iter().map(String::as_str));
        }
        _ => {}
    }
}

/// A constraint being checked.
struct Check<'a> {
    subject: &'a Subject<'a>,
    /// What is at the pointers of the constraint.
    found: BTreeMap<&'a str, Json>,
    has_json: bool,
    /// How many bytes of the value may still be looked at.
    bytes_left: usize,
}

impl Check<'_> {
    fn holds(&mut self, constraint: &UpdateConstraint) -> Result<bool, TooCostly> {
        Ok(match constraint {
            UpdateConstraint::Unconstrained => true,
            UpdateConstraint::Conjunction(all) => {
                for constraint in all {
                    if !self.holds(constraint)? {
                        return Ok(false);
                    }
                }
                true
            }
            UpdateConstraint::Disjunction(any) => {
                for constraint in any {
                    if self.holds(constraint)? {
                        return Ok(true);
                    }
                }
                false
            }
            UpdateConstraint::Value(comparison) => match self.subject.topic {
                Some((_, Some(value))) if comparison.operator == ConstraintOperator::Is => {
                    *value == comparison.value
                }
                Some((data_type, Some(value))) => {
                    compares(comparison, self.scalar(data_type, value)?.as_ref())
                }
                _ => false,
            },
            UpdateConstraint::NoValue => matches!(self.subject.topic, Some((_, None))),
            UpdateConstraint::Locked { name, sequence } => {
                let (session, holds) = (self.subject.session, self.subject.holds_lock);
                session.is_some_and(|session| holds(name, session, *sequence))
            }
            UpdateConstraint::NoTopic => self.subject.topic.is_none(),
            UpdateConstraint::PartialJson { .. } if !self.has_json => false,
            UpdateConstraint::PartialJson { with, without } => {
                for (pointer, comparison) in with {
                    let Some(found) = self.found.get(pointer.as_str()).cloned() else {
                        return Ok(false);
                    };
                    let holds = if comparison.operator == ConstraintOperator::Is {
                        self.is(&found, &comparison.value)?
                    } else {
                        let found = self.scalar(DataType::Json, found.as_cbor())?;
                        compares(comparison, found.as_ref())
                    };
                    if !holds {
                        return Ok(false);
                    }
                }
                without
                    .iter()
                    .all(|pointer| !self.found.contains_key(pointer.as_str()))
            }
        })
    }

    /// Bytes of the value are looked at again.
    fn charge(&mut self, bytes: usize) -> Result<(), TooCostly> {
        self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or(TooCostly)?;
        Ok(())
    }

    /// A value, or part of one, to be compared: a long text is read anew each time.
    fn scalar(&mut self, data_type: DataType, value: &Bytes) -> Result<Option<Tree>, TooCostly> {
        let is_composite = Json::from_cbor(value.clone()).is_composite();
        self.charge(if is_composite { 0 } else { value.len() })?;
        Ok(scalar(data_type, value.clone()))
    }

    /// Whether part of a value has these bytes, once it is written as the SDKs write it.
    fn is(&mut self, found: &Json, expected: &Bytes) -> Result<bool, TooCostly> {
        if found.as_cbor() == expected {
            return Ok(true);
        }
        let length = found.as_cbor().len();
        self.charge(length)?;
        if found.is_canonical() {
            return Ok(false);
        }
        if length > SPARE_BYTES {
            return Err(TooCostly);
        }
        let tree = found.to_tree();
        Ok(tree.is_ok_and(|tree| Json::from_tree(&tree).as_cbor() == expected))
    }
}

/// A value as JSON, if it has a form there. An array or object stands for any: it is unlike everything that it can be
/// compared with, and may be large.
fn scalar(data_type: DataType, value: Bytes) -> Option<Tree> {
    match data_type {
        DataType::Json | DataType::String | DataType::Int64 | DataType::Double => {
            let json = Json::from_cbor(value);
            if json.is_composite() {
                Some(Tree::Array(Vec::new()))
            } else {
                json.to_tree().ok()
            }
        }
        DataType::Binary | DataType::RecordV2 => None,
    }
}

/// How a value compares, for every operator but [`ConstraintOperator::Is`].
fn compares(comparison: &ValueComparison, found: Option<&Tree>) -> bool {
    use ConstraintOperator as Operator;
    let Some(found) = found else {
        return false;
    };
    let expected = match comparison.kind {
        ConstraintValueKind::Null => Some(Tree::Null),
        _ => scalar(DataType::Json, comparison.value.clone()),
    };
    let Some(expected) = expected else {
        return false;
    };
    let ordering = match &expected {
        Tree::Null => {
            return match comparison.operator {
                Operator::Equal => found.is_null(),
                Operator::NotEqual => !found.is_null(),
                _ => false,
            };
        }
        Tree::Bool(expected) => {
            let Some(found) = found.as_bool() else {
                return false;
            };
            return match comparison.operator {
                Operator::Equal => found == *expected,
                Operator::NotEqual => found != *expected,
                _ => false,
            };
        }
        Tree::String(expected) => {
            let same = match found {
                Tree::String(found) => found == expected,
                Tree::Number(found) => found.to_string() == *expected,
                _ => return false,
            };
            return match comparison.operator {
                Operator::Equal => same,
                Operator::NotEqual => !same,
                _ => false,
            };
        }
        Tree::Number(_) => compare_numbers(found, &expected),
        _ => None,
    };
    let Some(ordering) = ordering else {
        return false;
    };
    match comparison.operator {
        Operator::Is | Operator::Equal => ordering == Ordering::Equal,
        Operator::NotEqual => ordering != Ordering::Equal,
        Operator::Greater => ordering == Ordering::Greater,
        Operator::GreaterOrEqual => ordering != Ordering::Less,
        Operator::Less => ordering == Ordering::Less,
        Operator::LessOrEqual => ordering != Ordering::Greater,
    }
}

/// Texts that hold numbers compare as numbers, and integers with floating point numbers.
fn compare_numbers(found: &Tree, expected: &Tree) -> Option<Ordering> {
    let integer = |tree: &Tree| match tree {
        Tree::String(text) => text.parse().ok(),
        other => other.as_i64(),
    };
    if let (Some(found), Some(expected)) = (integer(found), integer(expected)) {
        return Some(found.cmp(&expected));
    }
    let float = |tree: &Tree| match tree {
        Tree::String(text) => text.parse::<f64>().ok(),
        other => other.as_f64(),
    };
    float(found)?.partial_cmp(&float(expected)?)
}

/// About how many bytes a constraint has.
pub(crate) fn bytes(constraint: &UpdateConstraint) -> usize {
    const EACH: usize = 16;
    EACH + match constraint {
        UpdateConstraint::Unconstrained | UpdateConstraint::NoValue | UpdateConstraint::NoTopic => {
            0
        }
        UpdateConstraint::Locked { name, .. } => name.len(),
        UpdateConstraint::Value(comparison) => comparison.value.len(),
        UpdateConstraint::Conjunction(list) | UpdateConstraint::Disjunction(list) => {
            list.iter().map(bytes).sum()
        }
        UpdateConstraint::PartialJson { with, without } => {
            let with = with.iter();
            let without = without.iter();
            with.map(|(pointer, it)| EACH + pointer.len() + it.value.len())
                .sum::<usize>()
                + without.map(|pointer| EACH + pointer.len()).sum::<usize>()
        }
    }
}

/// Whether it depends on the topic's value if a constraint holds: then the answer tells of the value.
pub(crate) fn reads_value(constraint: &UpdateConstraint) -> bool {
    match constraint {
        UpdateConstraint::Value(_)
        | UpdateConstraint::NoValue
        | UpdateConstraint::PartialJson { .. } => true,
        UpdateConstraint::Conjunction(list) | UpdateConstraint::Disjunction(list) => {
            list.iter().any(reads_value)
        }
        UpdateConstraint::Unconstrained
        | UpdateConstraint::Locked { .. }
        | UpdateConstraint::NoTopic => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConstraintOperator as Operator;
    use effusion_protocol::value::Value as _;

    fn json(text: &str) -> Bytes {
        Json::from_text(text).unwrap().to_bytes()
    }

    fn check(data_type: DataType, value: Option<&Bytes>, constraint: &UpdateConstraint) -> bool {
        holds(
            constraint,
            &Subject {
                topic: Some((data_type, value)),
                session: None,
                holds_lock: &|_, _, _| false,
            },
        )
        .unwrap()
    }

    fn compare(value: &str, operator: Operator, kind: ConstraintValueKind, with: &str) -> bool {
        let constraint = UpdateConstraint::PartialJson {
            with: vec![(
                "/v".to_owned(),
                ValueComparison {
                    operator,
                    kind,
                    value: json(with),
                },
            )],
            without: vec!["/absent".to_owned()],
        };
        let value = json(&format!(r#"{{"v":{value}}}"#));
        check(DataType::Json, Some(&value), &constraint)
    }

    #[test]
    fn values_compare_as_the_documentation_says() {
        use ConstraintValueKind::{Binary, Double, Int64, Null, String};
        assert!(compare("\"x\"", Operator::Is, Binary, "\"x\""));
        assert!(!compare("1", Operator::Is, Binary, "\"1\""));
        assert!(compare("\"x\"", Operator::Equal, String, "\"x\""));
        assert!(compare("5", Operator::Equal, String, "\"5\""));
        assert!(compare("\"x\"", Operator::NotEqual, String, "\"y\""));
        assert!(!compare("[]", Operator::NotEqual, String, "\"y\""));
        assert!(compare("5", Operator::Equal, Double, "5.0"));
        assert!(compare("\"5\"", Operator::Equal, Int64, "5"));
        assert!(compare("\"1.0\"", Operator::LessOrEqual, Int64, "1"));
        assert!(compare("6", Operator::Greater, Int64, "5"));
        assert!(!compare("5", Operator::Greater, Int64, "5"));
        assert!(compare("5", Operator::GreaterOrEqual, Int64, "5"));
        assert!(compare("4.5", Operator::Less, Int64, "5"));
        assert!(!compare("\"x\"", Operator::Less, Int64, "5"));
        assert!(compare("null", Operator::Equal, Null, "null"));
        assert!(compare("1", Operator::NotEqual, Null, "null"));
        assert!(compare("true", Operator::Equal, Binary, "true"));
    }

    /// A pointer to the whole of a large value, hundreds of times, copied it for each: minutes for a message of kilobytes.
    #[test]
    fn many_pointers_into_a_large_value_are_found_in_one_walk() {
        let value = json(&format!("[{}0]", "0,".repeat(300_000)));
        let with = |pointer: &str, value: &Bytes| {
            let comparison = ValueComparison::is(value.clone());
            (pointer.to_owned(), comparison)
        };
        let constraint = |with| UpdateConstraint::PartialJson {
            with,
            without: vec!["/absent".to_owned()],
        };
        let all: Vec<_> = (0..100_000)
            .map(|index| with(&format!("/{index}"), &json("0")))
            .collect();
        assert!(check(DataType::Json, Some(&value), &constraint(all)));
        let whole = vec![with("", &value); 1_000];
        assert!(check(DataType::Json, Some(&value), &constraint(whole)));
        let other = vec![with("", &json("1"))];
        assert!(!check(
            DataType::Json,
            Some(&value),
            &constraint(other.clone())
        ));
        // Each of these may look at all of the value: that is refused instead.
        let either = UpdateConstraint::Disjunction(vec![constraint(other); 1_000]);
        let subject = Subject {
            topic: Some((DataType::Json, Some(&value))),
            session: None,
            holds_lock: &|_, _, _| false,
        };
        assert_eq!(holds(&either, &subject), Err(TooCostly));
    }

    /// Each comparison with a long text read the whole of it: ten thousand of them took seconds.
    #[test]
    fn a_long_text_is_not_read_for_each_of_many_comparisons() {
        let text = json(&format!("\"{}\"", "x".repeat(1_000_000)));
        let value = json(&format!("{{\"a\":\"{}\"}}", "x".repeat(1_000_000)));
        let comparison = || ValueComparison {
            operator: Operator::NotEqual,
            kind: ConstraintValueKind::String,
            value: json("\"y\""),
        };
        let whole = |count| {
            UpdateConstraint::Conjunction(vec![UpdateConstraint::Value(comparison()); count])
        };
        let parts = |count| UpdateConstraint::PartialJson {
            with: vec![("/a".to_owned(), comparison()); count],
            without: vec![],
        };
        for (value, constraint) in [(&text, &whole as &dyn Fn(usize) -> _), (&value, &parts)] {
            assert!(check(DataType::Json, Some(value), &constraint(1)));
            let subject = Subject {
                topic: Some((DataType::Json, Some(value))),
                session: None,
                holds_lock: &|_, _, _| false,
            };
            assert_eq!(holds(&constraint(10_000), &subject), Err(TooCostly));
        }
    }

    #[test]
    fn parts_compare_however_they_are_written() {
        // {"v": [1]}, with a definite length and a number in more bytes than it needs.
        let value = Bytes::from_static(&[0xa1, 0x61, b'v', 0x81, 0x18, 0x01]);
        let constraint = |expected: &str| UpdateConstraint::PartialJson {
            with: vec![("/v".to_owned(), ValueComparison::is(json(expected)))],
            without: vec![],
        };
        assert!(check(DataType::Json, Some(&value), &constraint("[1]")));
        assert!(!check(DataType::Json, Some(&value), &constraint("[2]")));
        assert!(!check(DataType::Json, Some(&value), &constraint("1")));
    }

    #[test]
    fn what_is_not_there_does_not_compare() {
        let any = UpdateConstraint::Value(ValueComparison {
            operator: Operator::NotEqual,
            kind: ConstraintValueKind::Int64,
            value: json("5"),
        });
        assert!(!check(DataType::Int64, None, &any));
        assert!(check(DataType::Int64, Some(&json("6")), &any));
        assert!(check(DataType::Int64, None, &UpdateConstraint::NoValue));
        assert!(!check(DataType::Json, None, &UpdateConstraint::NoTopic));
        let either = UpdateConstraint::Disjunction(vec![
            UpdateConstraint::NoTopic,
            UpdateConstraint::NoValue,
        ]);
        assert!(check(DataType::Json, None, &either));
        let both = UpdateConstraint::Conjunction(vec![
            UpdateConstraint::NoTopic,
            UpdateConstraint::NoValue,
        ]);
        assert!(!check(DataType::Json, None, &both));
        let without = UpdateConstraint::PartialJson {
            with: vec![],
            without: vec!["/v".to_owned()],
        };
        assert!(!check(DataType::Json, Some(&json(r#"{"v":1}"#)), &without));
        assert!(check(DataType::Json, Some(&json("{}")), &without));
    }
}
