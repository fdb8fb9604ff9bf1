//! Which manifests a destination takes on push.

use crate::oci::MediaType;

/// The manifest types that a provider takes on push; none named means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepts {
    provider: String,
    media_types: Vec<MediaType>,
}

impl Accepts {
    /// What `provider` takes: `media_types`, or all where there are none.
    #[must_use]
    pub fn new(provider: &str, media_types: Vec<MediaType>) -> Self {
        Self { provider: provider.to_owned(), media_types }
    }

    /// Whether nothing is refused.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.media_types.is_empty()
    }

    /// Why a manifest of this type cannot be copied there, and what to do; `None` where it can.
    /// It is never converted: its digest would be another.
    #[must_use]
    pub fn refusal(&self, media_type: &MediaType) -> Option<String> {
        if self.is_everything() || self.media_types.contains(media_type) {
            return None;
        }
        let taken: Vec<String> =
            self.media_types.iter().map(|taken| format!("`{taken}`")).collect();
        Some(format!(
            "the provider `{}` takes no manifests of the type `{media_type}` there, only {}: \
             build the image in such a format, leave it out with a filter, or choose another \
             destination; nothing of it was copied",
            self.provider,
            taken.join(" and ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_type_the_provider_and_the_way_out() {
        let oci = MediaType::new(MediaType::OCI_MANIFEST);
        let docker = MediaType::new(MediaType::DOCKER_MANIFEST);
        let all = Accepts::new("docker-registry", Vec::new());
        assert_eq!((all.refusal(&oci), all.is_everything()), (None, true));
        let some = Accepts::new("harbor", vec![docker.clone(), MediaType::new("x/y")]);
        assert_eq!(some.refusal(&docker), None);
        let text = some.refusal(&oci).unwrap();
        for part in ["`harbor`", oci.as_str(), docker.as_str(), "`x/y`", "filter"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
