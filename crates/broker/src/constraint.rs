//! Update constraints: what must hold for an update to be made.
//!
//! Source: the API documentation of `UpdateConstraint` and `PartialJSON`.

use bytes::Bytes;
use core::cmp::Ordering;
use effusion_protocol::body::{
    ConstraintOperator, ConstraintValueKind, UpdateConstraint, ValueComparison,
};
use effusion_protocol::value::{DataType, Json, Value as _};
use serde_json::Value as Tree;

use crate::locks::Locks;
use crate::session::SessionKey;

/// What a constraint is about.
pub(crate) struct Subject<'a> {
    /// The topic's type of values and its value; `None` if there is no topic.
    pub(crate) topic: Option<(DataType, Option<&'a Bytes>)>,
    pub(crate) session: Option<SessionKey>,
    pub(crate) locks: &'a Locks,
}

pub(crate) fn holds(constraint: &UpdateConstraint, subject: &Subject<'_>) -> bool {
    match constraint {
        UpdateConstraint::Unconstrained => true,
        UpdateConstraint::Conjunction(all) => all.iter().all(|it| holds(it, subject)),
        UpdateConstraint::Disjunction(any) => any.iter().any(|it| holds(it, subject)),
        UpdateConstraint::Value(comparison) => match subject.topic {
            Some((data_type, Some(value))) => compares(
                comparison,
                || value.clone(),
                || read(data_type, value.clone()),
            ),
            _ => false,
        },
        UpdateConstraint::NoValue => matches!(subject.topic, Some((_, None))),
        UpdateConstraint::Locked { name, sequence } => subject
            .session
            .is_some_and(|session| subject.locks.is_held(name, session, *sequence)),
        UpdateConstraint::NoTopic => subject.topic.is_none(),
        UpdateConstraint::PartialJson { with, without } => {
            let Some((DataType::Json, Some(value))) = subject.topic else {
                return false;
            };
            let Ok(tree) = Json::from_cbor(value.clone()).to_tree() else {
                return false;
            };
            with.iter().all(|(pointer, comparison)| {
                tree.pointer(pointer).is_some_and(|found| {
                    compares(
                        comparison,
                        || Json::from_tree(found).as_cbor().clone(),
                        || Some(found.clone()),
                    )
                })
            }) && without
                .iter()
                .all(|pointer| tree.pointer(pointer).is_none())
        }
    }
}

/// A value as JSON, if it has a form there.
fn read(data_type: DataType, value: Bytes) -> Option<Tree> {
    match data_type {
        DataType::Json | DataType::String | DataType::Int64 | DataType::Double => {
            Json::from_bytes(value).ok()?.to_tree().ok()
        }
        DataType::Binary | DataType::RecordV2 => None,
    }
}

fn compares(
    comparison: &ValueComparison,
    bytes: impl FnOnce() -> Bytes,
    tree: impl FnOnce() -> Option<Tree>,
) -> bool {
    use ConstraintOperator as Operator;
    if comparison.operator == Operator::Is {
        return bytes() == comparison.value;
    }
    let Some(found) = tree() else {
        return false;
    };
    let expected = match comparison.kind {
        ConstraintValueKind::Null => Some(Tree::Null),
        _ => read(DataType::Json, comparison.value.clone()),
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
            return comparison.operator == Operator::Equal && found.as_bool() == Some(*expected);
        }
        Tree::String(expected) => {
            let same = match &found {
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
        Tree::Number(_) => compare_numbers(&found, &expected),
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

#[cfg(test)]
mod tests {
    use super::*;
    use ConstraintOperator as Operator;

    fn json(text: &str) -> Bytes {
        Json::from_text(text).unwrap().to_bytes()
    }

    fn check(data_type: DataType, value: Option<&Bytes>, constraint: &UpdateConstraint) -> bool {
        holds(
            constraint,
            &Subject {
                topic: Some((data_type, value)),
                session: None,
                locks: &Locks::default(),
            },
        )
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
