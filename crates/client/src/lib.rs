//! effusion-client
