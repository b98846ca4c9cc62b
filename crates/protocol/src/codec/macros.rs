//! Declaring types together with their wire form, so that neither can be forgotten.

/// Declares a struct whose wire form is its fields, one after the other.
macro_rules! wire_struct {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident { $( $(#[$field_meta:meta])* pub $field:ident : $type:ty ),* $(,)? }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $( $(#[$field_meta])* pub $field: $type ),* }

        impl $crate::Wire for $name {
            fn read(reader: &mut $crate::Reader) -> Result<Self, $crate::DecodeError> {
                let _ = &reader;
                Ok(Self { $( $field: <$type as $crate::Wire>::read(reader)? ),* })
            }
            fn write(&self, writer: &mut $crate::Writer) {
                let _ = &writer;
                $( self.$field.write(writer); )*
            }
            fn annotate(
                reader: &mut $crate::Reader,
                name: &str,
                fields: &mut ::std::vec::Vec<$crate::Field>,
            ) -> Result<(), $crate::DecodeError> {
                let _ = (&reader, name, &fields);
                $( <$type as $crate::Wire>::annotate(reader, &$crate::Field::inner(name, stringify!($field)), fields)?; )*
                Ok(())
            }
        }

        #[cfg(test)]
        impl $crate::sample::Sample for $name {
            fn sample(source: &mut $crate::sample::Source) -> Self {
                Self { $( $field: $crate::sample::Sample::sample(source) ),* }
            }
        }
    )+};
}
pub(crate) use wire_struct;

/// Declares an enum that is one byte on the wire.
macro_rules! wire_enum {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident ($what:literal) { $( $(#[$variant_meta:meta])* $variant:ident = $value:literal ),* $(,)? }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $( $(#[$variant_meta])* $variant = $value ),* }

        impl $name {
            /// Every value, in the order of their numbers.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),* ];

            /// The value with this number on the wire.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $( $value => Some(Self::$variant), )* _ => None }
            }

            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }
        }

        impl $crate::Wire for $name {
            fn read(reader: &mut $crate::Reader) -> Result<Self, $crate::DecodeError> {
                let code = <u8 as $crate::Wire>::read(reader)?;
                Self::from_code(code).ok_or_else(|| reader.unknown($what, u64::from(code)))
            }
            fn write(&self, writer: &mut $crate::Writer) {
                $crate::Wire::write(&self.code(), writer);
            }
        }

        #[cfg(test)]
        impl $crate::sample::Sample for $name {
            fn sample(source: &mut $crate::sample::Source) -> Self {
                source.choose(Self::ALL)
            }
        }
    )+};
}
pub(crate) use wire_enum;

/// Declares an enum that is one byte on the wire, and then what that byte stands for.
macro_rules! wire_union {
    (@field $type:ty, $field:ident) => { $field };
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident ($what:literal) {
            $( $(#[$variant_meta:meta])* $variant:ident $( ( $type:ty ) )? = $value:literal ),* $(,)?
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name { $( $(#[$variant_meta])* $variant $( ( $type ) )? ),* }

        impl $crate::Wire for $name {
            fn read(reader: &mut $crate::Reader) -> Result<Self, $crate::DecodeError> {
                match <u8 as $crate::Wire>::read(reader)? {
                    $( $value => Ok(Self::$variant $( ( <$type as $crate::Wire>::read(reader)? ) )?), )*
                    other => Err(reader.unknown($what, u64::from(other))),
                }
            }
            fn write(&self, writer: &mut $crate::Writer) {
                match self {
                    $( Self::$variant $( ( $crate::codec::wire_union!(@field $type, value) ) )? => {
                        writer.byte($value);
                        $( <$type as $crate::Wire>::write(value, writer); )?
                    } )*
                }
            }
        }

        #[cfg(test)]
        impl $crate::sample::Sample for $name {
            fn sample(source: &mut $crate::sample::Source) -> Self {
                let makers: &[fn(&mut $crate::sample::Source) -> Self] = &[
                    $( |_source| Self::$variant $( ( <$type as $crate::sample::Sample>::sample(_source) ) )? ),*
                ];
                source.choose(makers)(source)
            }
        }
    )+};
}
pub(crate) use wire_union;
