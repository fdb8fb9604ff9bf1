//! A text that must never be shown: no `Debug`, no `Display`, no serde, zeroed on drop.

use zeroize::Zeroizing;

/// A secret. Reading it takes a call that can be searched for.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of the text; the caller's own copies are the caller's to clear.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the wire or the seal and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
