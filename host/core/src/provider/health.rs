//! The answer to Test Connection.

/// The answer to Test Connection.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HealthReport {
    /// Product and version, where the provider tells.
    pub product: Option<String>,
    /// Whether credentials were sent and accepted.
    pub authenticated: bool,
    /// Further facts for people; [`RESOURCES`](Self::RESOURCES) is for the host, too.
    pub details: Vec<(String, String)>,
}

impl HealthReport {
    /// The detail that names, with commas between them, the resource types that this endpoint has,
    /// where they are fewer than the provider has at large: `image` for a Harbor 1.x.
    pub const RESOURCES: &str = "resources";

    /// Which of the provider's resource types the endpoint has; all of them where it does not tell.
    #[must_use]
    pub fn resources(&self, provider: &[String]) -> Vec<String> {
        let told = self.details.iter().find(|(key, _)| key == Self::RESOURCES);
        let Some((_, told)) = told else { return provider.to_vec() };
        let is_told = |kind: &&String| told.split(',').any(|one| one.trim() == kind.as_str());
        provider.iter().filter(is_told).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_may_have_fewer_resource_types_than_its_provider() {
        let provider = ["image".to_owned(), "artifact".to_owned()];
        let cases: [(Option<&str>, &[&str]); 5] = [
            (None, &["image", "artifact"]),
            (Some("image"), &["image"]),
            (Some("artifact, image"), &["image", "artifact"]),
            (Some("image,chart"), &["image"]),
            (Some(""), &[]),
        ];
        for (told, expected) in cases {
            let told = told.map(|told| (HealthReport::RESOURCES.to_owned(), told.to_owned()));
            let details = told.into_iter().collect();
            let report = HealthReport { product: None, authenticated: true, details };
            assert_eq!(report.resources(&provider), expected);
        }
    }
}
