//! The machine against a service made by hand, message by message.
