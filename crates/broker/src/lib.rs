//! effusion-broker
