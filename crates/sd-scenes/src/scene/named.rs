use thiserror::Error;

/// A word that is not the name of a value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown {what} {name:?}, expected one of {known}")]
pub struct UnknownName {
    /// The attribute: `place`, `time`, …
    pub what: &'static str,
    /// The word.
    pub name: String,
    /// All names, separated by commas.
    pub known: String,
}

/// Defines an enum whose values have a name each, with `ALL`, `name`, `Display` and `FromStr`.
macro_rules! named {
    ($(#[$about:meta])* $what:literal $type:ident { $($(#[$doc:meta])* $value:ident = $name:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $type {
            $($(#[$doc])* $value,)+
        }

        impl $type {
            /// Every value, in order.
            pub const ALL: &[Self] = &[$(Self::$value),+];

            /// The name of the value, which [`FromStr`](std::str::FromStr) reads back.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.name() == name).ok_or_else(|| $crate::UnknownName {
                    what: $what,
                    name: name.to_owned(),
                    known: [$($name),+].join(", "),
                })
            }
        }
    };
}

pub(crate) use named;

#[cfg(test)]
mod tests {
    use crate::{Kind, Place, UnknownName};

    #[test]
    fn every_name_reads_back_as_its_value() {
        assert!(Kind::ALL.iter().all(|kind| kind.to_string().parse() == Ok(*kind)));
    }

    #[test]
    fn an_unknown_name_is_reported_with_the_known_ones() {
        let error: UnknownName = "moon".parse::<Place>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown place \"moon\", expected one of sea, meadow, desert, snow, mountains, city"
        );
    }
}
