#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    Number(i32),
    Pair(i32, String),
    Named { a: bool },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Id(u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct All {
    text: String,
    letter: char,
    small: u8,
    large: u64,
    negative: i64,
    float: f64,
    whole: f64,
    single: f32,
    flag: bool,
    nothing: Option<String>,
    something: Option<i16>,
    unit: (),
    id: Id,
    pair: (i8, String),
    list: Vec<f64>,
    by_name: BTreeMap<String, Id>,
    by_number: HashMap<i32, bool>,
    kinds: Vec<Kind>,
    json: Json,
}

fn all() -> All {
    All {
        text: "ä\n".into(),
        letter: 'ß',
        small: 255,
        large: u64::MAX >> 1,
        negative: i64::MIN,
        float: 1.5,
        whole: 3.0,
        single: 0.25,
        flag: true,
        nothing: None,
        something: Some(-7),
        unit: (),
        id: Id(5),
        pair: (-1, "b".into()),
        list: vec![0.0, -0.5, 1e300],
        by_name: [("x".into(), Id(1)), ("y".into(), Id(2))].into(),
        by_number: [(-3, true)].into(),
        kinds: vec![
            Kind::Plain,
            Kind::Number(1),
            Kind::Pair(2, "z".into()),
            Kind::Named { a: false },
        ],
        json: Json::from_tree(&json!({"a": [1, null, {"b": "c"}]})),
    }
}

/// Written by serde as the tree would be, which is as the SDK does.
#[test]
fn what_is_written_is_what_a_tree_becomes() {
    let (data_type, bytes) = to_bytes(&all()).unwrap();
    let tree = serde_json::to_value(all()).unwrap();
    assert_eq!(data_type, DataType::Json);
    let json = Json::from_cbor(bytes.clone());
    assert_eq!(json.to_tree().unwrap(), json_tree(&tree));
    assert!(json.is_canonical());
    assert_eq!(from_bytes::<All>(bytes).unwrap(), all());
    // And read from what others write.
    let tree = Json::from_tree(&tree).as_cbor().clone();
    assert_eq!(from_bytes::<All>(tree).unwrap(), all());
}

/// A tree as it is after the way over the wire: numbers without a fraction are integers.
fn json_tree(tree: &serde_json::Value) -> serde_json::Value {
    Json::from_tree(tree).to_tree().unwrap()
}

#[test]
fn plain_values_are_of_topics_of_their_own_types() {
    fn is<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug + 'static>(
        value: T,
        data_type: DataType,
        bytes: Bytes,
    ) {
        assert_eq!(data_type_of::<T>(), data_type);
        assert_eq!(to_bytes(&value).unwrap(), (data_type, bytes.clone()));
        assert_eq!(from_bytes::<T>(bytes).unwrap(), value);
    }
    let text = "hä".to_owned();
    is(text.clone(), DataType::String, text.to_bytes());
    is(Some(text.clone()), DataType::String, text.to_bytes());
    is(-5i64, DataType::Int64, (-5i64).to_bytes());
    is(7u8, DataType::Int64, 7i64.to_bytes());
    is(2.0f64, DataType::Double, 2.0f64.to_bytes());
    is(Id(9), DataType::Int64, 9i64.to_bytes());
    let raw = Bytes::from_static(b"\x00\xff raw");
    is(raw.clone(), DataType::Binary, raw);
    let records = RecordV2 {
        records: vec![vec!["a".into(), String::new()], vec![]],
    };
    is(records.clone(), DataType::RecordV2, records.to_bytes());
    let json = Json::text("hä");
    is(json.clone(), DataType::Json, json.as_cbor().clone());
    is(true, DataType::Json, Bytes::from_static(b"\xf5"));
    is(
        vec![1, 2],
        DataType::Json,
        Json::from_tree(&json!([1, 2])).as_cbor().clone(),
    );
    assert_eq!(data_type_of::<All>(), DataType::Json);
    assert_eq!(data_type_of::<Kind>(), DataType::Json);
    assert_eq!(data_type_of::<(i32, i32)>(), DataType::Json);
    assert_eq!(data_type_of::<serde_json::Value>(), DataType::Json);
    let infinite = f64::INFINITY.to_bytes();
    assert_eq!(from_bytes::<f64>(infinite).unwrap(), f64::INFINITY);
}

#[test]
fn json_may_stand_in_other_forms_too() {
    let json = Json::from_tree(&json!({"a": [1, "b"]}));
    let text = serde_json::to_string(&json).unwrap();
    assert_eq!(text, r#"{"a":[1,"b"]}"#);
    assert_eq!(serde_json::from_str::<Json>(&text).unwrap(), json);
}

#[test]
fn what_does_not_fit_is_said() {
    let shape = |error: ValueError| match error {
        ValueError::Shape(message) => message.to_string(),
        other => panic!("{other:?}"),
    };
    let missing = from_bytes::<All>(Json::object(&[]).as_cbor().clone());
    assert_eq!(shape(missing.unwrap_err()), "missing field `text`");
    let number = from_bytes::<String>(5i64.to_bytes());
    assert!(shape(number.unwrap_err()).contains("string"));
    let large = from_bytes::<u8>(256i64.to_bytes());
    assert!(shape(large.unwrap_err()).contains("256"));
    let longer = from_bytes::<(u8, u8)>(Json::from_tree(&json!([1, 2, 3])).as_cbor().clone());
    assert!(longer.is_err());
    let two = Json::from_tree(&json!({"Plain": null, "Number": 1}));
    assert!(from_bytes::<Kind>(two.as_cbor().clone()).is_err());
    assert!(to_bytes(&HashMap::from([(vec![1], 2)])).is_err());
    assert!(to_bytes(&vec![Bytes::from_static(b"x")]).is_err());
    assert!(to_bytes(&vec![RecordV2::default()]).is_err());
    let trailing = Bytes::from_static(b"\x01\x02");
    assert_eq!(from_bytes::<i64>(trailing), Err(ValueError::TrailingBytes));
    let deep = Bytes::from([0x81; 200].to_vec());
    assert!(from_bytes::<serde_json::Value>(deep).is_err());
    let tags = Bytes::from([0xc1; 100_000].to_vec());
    assert!(from_bytes::<serde_json::Value>(tags).is_err());
}

proptest! {
    /// A value that a tree can be read from is read the same without one.
    #[test]
    fn values_are_read_as_trees_are(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let bytes = Bytes::from(bytes);
        let tree = Json::from_cbor(bytes.clone()).to_tree();
        let read = from_bytes::<serde_json::Value>(bytes);
        prop_assert_eq!(tree.is_ok(), read.is_ok());
        if let (Ok(tree), Ok(read)) = (tree, read) {
            prop_assert_eq!(Json::from_tree(&tree), Json::from_tree(&read));
        }
    }
}

#[test]
fn a_none_is_the_null_of_what_it_could_be() {
    fn type_of<T: Serialize>(nothing: T) -> DataType {
        let (data_type, bytes) = to_bytes(&nothing).unwrap();
        assert_eq!(bytes, b"\xf6"[..]);
        data_type
    }
    let text = String::from("not static");
    let mut borrowed = Some(text.as_str());
    assert_eq!(to_bytes(&borrowed).unwrap().0, DataType::String);
    borrowed = None;
    assert_eq!(type_of(borrowed), DataType::String);
    assert_eq!(type_of(None::<String>), DataType::String);
    assert_eq!(type_of(None::<u8>), DataType::Int64);
    assert_eq!(type_of(None::<f32>), DataType::Double);
    assert_eq!(type_of(None::<bool>), DataType::Json);
    assert_eq!(type_of(()), DataType::Json);
    assert_eq!(type_of(None::<Vec<&str>>), DataType::Json);
    // A part of JSON is JSON's.
    assert_eq!(to_bytes(&[None::<String>]).unwrap().0, DataType::Json);
    // What the null says is what the same type reads.
    assert_eq!(data_type_of::<Option<u8>>(), DataType::Int64);
    assert_eq!(
        from_bytes::<Option<f32>>(Bytes::from_static(b"\xf6")),
        Ok(None)
    );
}
