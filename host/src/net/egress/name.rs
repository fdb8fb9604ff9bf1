//! Names that can only be meant for a network of one's own: what is judged where a proxy resolves.
//! Pure; nothing is looked up.

/// Last labels that the public DNS does not have: special-use ones (RFC 6761, 6762, 8375, 9476;
/// ICANN's `internal`), and those that private networks commonly take.
const OWN: [&str; 13] = [
    "alt",
    "consul",
    "corp",
    "domain",
    "home",
    "internal",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "private",
    "svc",
];

/// Why a name is none of the public internet's; `None` where it may be one.
pub(super) fn internal(host: &str) -> Option<&'static str> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let Some((rest, last)) = host.rsplit_once('.') else {
        return Some("a name without a domain; only a host in the endpoint's allowed hosts may be");
    };
    let home = last == "arpa" && rest.rsplit('.').next() == Some("home");
    (OWN.contains(&last) || home).then_some(
        "a name of a private network; only a host in the endpoint's allowed hosts may be",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_private_networks() {
        let cases = [
            ("charts.example.com", false),
            ("charts.example.com.", false),
            ("local.example.com", false),
            ("home.arpa.example.com", false),
            ("mylocal", true),
            ("localhost", true),
            ("LOCALHOST.", true),
            ("a.localhost", true),
            ("metadata.google.internal", true),
            ("vault.Internal.", true),
            ("printer.local", true),
            ("nas.lan", true),
            ("router.home.arpa", true),
            ("kubernetes.default.svc", true),
            ("", true),
        ];
        for (host, expected) in cases {
            assert_eq!(internal(host).is_some(), expected, "{host}");
        }
    }
}
