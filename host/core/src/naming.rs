//! From a source repository's name to its name at the destination (contract 3.6), and which
//! namespaces a rule may name (contract 3.2 row 4).

use crate::oci::Repository;

/// Components of a sample below the namespace, where nothing limits them: more than any provider
/// wants.
const SAMPLE_DEPTH: usize = 3;

/// Why a repository has no name at the destination.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NamingError {
    /// The name has too few components for the replace count.
    #[error(
        "`{repository}` has {have} components; {replace} of them cannot be replaced by the namespace and leave a name"
    )]
    TooFewComponents {
        /// The source name.
        repository: String,
        /// Its components.
        have: usize,
        /// The replace count.
        replace: i8,
    },
    /// The result is not a repository name, or not one the destination's provider takes.
    #[error("`{result}`, made of `{repository}`, is no repository name at the destination: {why}")]
    Unusable {
        /// The source name.
        repository: String,
        /// The name that came out.
        result: String,
        /// The rule it breaks.
        why: String,
    },
}

/// Why a text is no destination namespace.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is no destination namespace: expected lower-case components joined by /, with a domain before them at most"
)]
pub struct InvalidNamespace(String);

/// Checks a destination namespace: a docker reference name, i.e. an optional `domain[:port]/` and
/// then lower-case components. The empty text is none, and so no error.
///
/// # Errors
/// When it is not such a name.
pub fn check_namespace(text: &str) -> Result<(), InvalidNamespace> {
    let is_name = |text: &str| text.parse::<Repository>().is_ok();
    let after_domain = text.split_once('/').filter(|(domain, _)| is_domain(domain));
    if text.is_empty() || is_name(text) || after_domain.is_some_and(|(_, path)| is_name(path)) {
        return Ok(());
    }
    Err(InvalidNamespace(text.chars().take(300).collect()))
}

fn is_domain(text: &str) -> bool {
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

/// Where repositories go, and what names the destination takes.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    /// Destination namespace; `None` keeps the name.
    pub namespace: Option<String>,
    /// Leading components the namespace replaces; negative keeps the last alone.
    pub replace: i8,
    /// Fewest components the destination takes.
    pub min_components: u8,
    /// Most components the destination takes.
    pub max_components: Option<u8>,
}

impl Naming {
    /// The name of `source` at the destination. Without a namespace it stays as it is, whatever
    /// number of components the destination's provider takes.
    ///
    /// # Errors
    /// When there is none; Harbor fails the whole execution then.
    pub fn destination(&self, source: &Repository) -> Result<Repository, NamingError> {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        if namespace.is_empty() {
            return Ok(source.clone());
        }
        let have = source.components().count();
        // A negative count keeps the last component alone.
        let replaced = usize::try_from(self.replace).unwrap_or(have - 1);
        if replaced >= have {
            let repository = source.to_string();
            return Err(NamingError::TooFewComponents { repository, have, replace: self.replace });
        }
        let components: Vec<&str> = namespace
            .split('/')
            .chain(source.components().skip(replaced))
            .filter(|component| !matches!(*component, "" | "."))
            .collect();
        self.check(source, &components)
    }

    /// A name as this rule makes them, to be shown to the destination before there is a real one:
    /// `None` without a namespace, and where no name comes out that could be asked about.
    #[must_use]
    pub fn sample(&self) -> Option<Repository> {
        let namespace = self.namespace.as_deref().filter(|text| !text.is_empty())?;
        let given = namespace.split('/').filter(|part| !matches!(*part, "" | ".")).count();
        let most = self.max_components.map_or(usize::MAX, usize::from);
        // A negative count keeps one component; else the source may have as many as it likes.
        let (replaced, kept) = match usize::try_from(self.replace) {
            Ok(replaced) => (replaced, most.saturating_sub(given).clamp(1, SAMPLE_DEPTH)),
            Err(_) => (0, 1),
        };
        let source = vec!["x"; replaced + kept].join("/").parse().ok()?;
        self.destination(&source).ok()
    }

    /// The provider's rule for the number of components, then the grammar.
    fn check(&self, source: &Repository, components: &[&str]) -> Result<Repository, NamingError> {
        let result = components.join("/");
        let unusable = |why: String| NamingError::Unusable {
            repository: source.to_string(),
            result: result.clone(),
            why,
        };
        let (fewest, most) = (usize::from(self.min_components), self.max_components);
        if components.len() < fewest {
            return Err(unusable(format!("its provider wants at least {fewest} components")));
        }
        if let Some(most) = most.filter(|most| components.len() > usize::from(*most)) {
            return Err(unusable(format!("its provider takes at most {most} components")));
        }
        result.parse().map_err(|_| unusable("it breaks the grammar of names".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: (u8, Option<u8>) = (1, None);
    const ONLY_TWO: (u8, Option<u8>) = (2, Some(2));
    const AT_LEAST_TWO: (u8, Option<u8>) = (2, None);

    fn destination(
        source: &str,
        namespace: &str,
        replace: i8,
        (min_components, max_components): (u8, Option<u8>),
    ) -> Result<String, NamingError> {
        let namespace = Some(namespace.to_owned());
        let naming = Naming { namespace, replace, min_components, max_components };
        naming.destination(&source.parse().unwrap()).map(String::from)
    }

    #[test]
    fn contract_3_6_vectors() {
        let cases = [
            ("c", "", 0, Some("c")),
            ("c", "n", -1, Some("n/c")),
            ("b/c", "n", -1, Some("n/c")),
            ("a/b/c", "n", -1, Some("n/c")),
            ("a/b", "n", 2, None),
            ("a/b/c", "n", 0, Some("n/a/b/c")),
            ("a/b/c", "n", 1, Some("n/b/c")),
            ("a/b/c", "n", 2, Some("n/c")),
            ("a", "n", 0, Some("n/a")),
            ("a/b/c/image", "n", -1, Some("n/image")),
            ("a/b/c/image", "n", -128, Some("n/image")),
            ("a/b/c/image", "n", 0, Some("n/a/b/c/image")),
            ("a/b/c/image", "n", 1, Some("n/b/c/image")),
            ("a/b/c/image", "n", 2, Some("n/c/image")),
            ("a/b/c/image", "n", 3, Some("n/image")),
            ("a/b/c/image", "n", 4, None),
            ("a/b/c/image", "n", 127, None),
            ("a/b/c/image", "", 4, Some("a/b/c/image")),
            ("a", "n/m", 0, Some("n/m/a")),
            ("a", "./n//m/", 0, Some("n/m/a")),
            ("a", "A", 0, None),
            ("a", "h:80/n", 0, None),
        ];
        for (source, namespace, replace, expected) in cases {
            let result = destination(source, namespace, replace, ANY);
            assert_eq!(result.as_deref().ok(), expected, "{source} {namespace} {replace}");
        }
    }

    #[test]
    fn contract_3_6_components_a_provider_takes() {
        let cases = [
            ("a/b/c", "n", 1, ONLY_TWO, false),
            ("a/b/c", "n", 2, ONLY_TWO, true),
            ("a", "n", 0, ONLY_TWO, true),
            ("a/b/c", "n", 0, AT_LEAST_TWO, true),
            ("a", "n", 0, (3, None), false),
            // Without a namespace the rule is not applied.
            ("a", "", 0, AT_LEAST_TWO, true),
            ("a/b/c", "", 0, ONLY_TWO, true),
        ];
        for (source, namespace, replace, rule, good) in cases {
            let result = destination(source, namespace, replace, rule);
            assert_eq!(result.is_ok(), good, "{source} {namespace} {result:?}");
        }
        let unset = Naming { min_components: 2, ..Naming::default() };
        assert_eq!(unset.destination(&"a".parse().unwrap()).unwrap().as_str(), "a");
    }

    #[test]
    fn samples_are_names_the_rule_could_make() {
        let cases = [
            (None, 0, (1, None), None),
            (Some(""), 0, (1, None), None),
            (Some("ns"), 0, (1, None), Some("ns/x/x/x")),
            (Some("a/./b"), 2, (1, None), Some("a/b/x/x/x")),
            (Some("ns"), -1, (1, None), Some("ns/x")),
            (Some("ns"), 1, (2, Some(2)), Some("ns/x")),
            (Some("ns"), 0, (2, Some(3)), Some("ns/x/x")),
            // No name of this rule is taken: the run will say so.
            (Some("a/b"), 0, (2, Some(2)), None),
            (Some("ns"), -1, (3, None), None),
            (Some("host:5000/ns"), 0, (1, None), None),
        ];
        for (namespace, replace, (min_components, max_components), expected) in cases {
            let namespace = namespace.map(str::to_owned);
            let naming = Naming { namespace, replace, min_components, max_components };
            let sample = naming.sample();
            assert_eq!(sample.as_ref().map(Repository::as_str), expected, "{naming:?}");
        }
    }

    #[test]
    fn contract_3_2_row_4_namespaces() {
        for good in
            ["", "a", "a/b", "a/b/c", "a.b", "a_b", "a__b", "a--b", "A/b", "A.b:80/c", "h:80/x"]
        {
            assert_eq!(check_namespace(good), Ok(()), "{good}");
        }
        for bad in [
            "A", "a/B", "a/", "/a", "a//b", "a/*", "a-", "-a", "a..b", "a___b", "h:80", "a b",
            "h:/x", "h:x/y", "-h/x", "h-/x", "h..i/X", "é/x",
        ] {
            assert!(check_namespace(bad).is_err(), "{bad}");
        }
    }
}
