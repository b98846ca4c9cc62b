//! effusion-protocol
