//! Any bytes as values.

#![no_main]

use bytes::Bytes;
use effusion_protocol::value::{DataType, Json, RecordV2, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for data_type in DataType::ALL {
        let _ = data_type.validate(data);
    }
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(tree) = Json::from_cbor(bytes.clone()).to_tree() {
        assert!(Json::from_tree(&tree).to_tree().is_ok());
    }
    if let Ok(records) = RecordV2::from_bytes(bytes) {
        assert_eq!(RecordV2::from_bytes(records.to_bytes()), Ok(records));
    }
});
