//! `WWW-Authenticate` as registries send it (RFC 9110 section 11.6.1; distribution `auth.md`).
//!
//! What a registry sends is taken as it comes: parts that cannot be read are left out, and the
//! length is bounded.

/// Most bytes of a header that are looked at.
const MAX_HEADER: usize = 16 << 10;
/// Most challenges taken from a header.
const MAX_CHALLENGES: usize = 16;
/// Most parameters taken of a challenge.
const MAX_PARAMS: usize = 32;

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
    ///
    /// Where the header is repeated, call it for each value.
    #[must_use]
    pub fn parse_all(header: &str) -> Vec<Self> {
        let end = header.floor_char_boundary(MAX_HEADER);
        let mut reader = Reader { rest: header.get(..end).unwrap_or_default() };
        let mut challenges: Vec<Self> = Vec::new();
        // Whether a word here can only be a token68, as it follows a scheme without a comma.
        let mut after_scheme = false;
        while !reader.rest.is_empty() {
            after_scheme &= !reader.skip_commas();
            let word = reader.take_while(is_token);
            if word.is_empty() {
                reader.skip_one();
                continue;
            }
            match reader.value() {
                Some(Value::Text(value)) => add_param(&mut challenges, word, value),
                Some(Value::Unreadable) => {}
                None if after_scheme => {}
                None if challenges.len() == MAX_CHALLENGES => break,
                None => {
                    let scheme = word.to_ascii_lowercase();
                    challenges.push(Self { scheme, params: Vec::new() });
                    after_scheme = true;
                    continue;
                }
            }
            after_scheme = false;
        }
        challenges
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

/// A parameter belongs to the challenge before it; without one it is left out.
fn add_param(challenges: &mut [Challenge], name: &str, value: String) {
    if let Some(challenge) = challenges.last_mut()
        && challenge.params.len() < MAX_PARAMS
    {
        challenge.params.push((name.to_ascii_lowercase(), value));
    }
}

/// RFC 9110, 5.6.2, and `/`, which a token68 may hold.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(c)
}

enum Value {
    Text(String),
    /// The padding of a token68, or a quotation without end.
    Unreadable,
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn skip_one(&mut self) {
        let mut chars = self.rest.chars();
        chars.next();
        self.rest = chars.as_str();
    }

    /// Skips blanks and commas; whether there was a comma.
    fn skip_commas(&mut self) -> bool {
        self.take_while(|c| c.is_whitespace() || c == ',').contains(',')
    }

    /// `=` and what follows it; `None` where there is no `=`.
    fn value(&mut self) -> Option<Value> {
        self.rest = self.rest.trim_start().strip_prefix('=')?.trim_start();
        if let Some(quoted) = self.rest.strip_prefix('"') {
            self.rest = quoted;
            return Some(self.quoted());
        }
        let text = self.take_while(|c| c != ',' && !c.is_whitespace());
        let padding = text.bytes().all(|b| b == b'=');
        Some(if padding { Value::Unreadable } else { Value::Text(text.to_owned()) })
    }

    fn quoted(&mut self) -> Value {
        let mut text = String::new();
        let mut chars = self.rest.chars();
        loop {
            match chars.next() {
                Some('"') => break,
                Some('\\') => text.extend(chars.next()),
                Some(c) => text.push(c),
                None => {
                    self.rest = "";
                    return Value::Unreadable;
                }
            }
        }
        self.rest = chars.as_str();
        Value::Text(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `scheme(name=value;…)` for each challenge.
    fn shown(header: &str) -> Vec<String> {
        let show = |c: Challenge| {
            let params: Vec<_> = c.params.iter().map(|(k, v)| format!("{k}={v}")).collect();
            format!("{}({})", c.scheme, params.join(";"))
        };
        Challenge::parse_all(header).into_iter().map(show).collect()
    }

    #[test]
    fn providers_2_1_challenges() {
        let cases: [(&str, &[&str]); 24] = [
            ("", &[]),
            (
                r#"Bearer realm="https://auth/token",service="S",scope="repository:n:pull,push registry:catalog:*",error="insufficient_scope""#,
                &[
                    "bearer(realm=https://auth/token;service=S;scope=repository:n:pull,push registry:catalog:*;error=insufficient_scope)",
                ],
            ),
            (r#"Basic realm="Registry Realm""#, &["basic(realm=Registry Realm)"]),
            ("BASIC", &["basic()"]),
            (
                "Bearer realm=https://auth/token?a=b,service=s",
                &["bearer(realm=https://auth/token?a=b;service=s)"],
            ),
            (r#"bearer REALM="u" , Service = "s""#, &["bearer(realm=u;service=s)"]),
            (
                r#"Basic realm="a, b=c", Bearer realm="u",scope="x,y""#,
                &["basic(realm=a, b=c)", "bearer(realm=u;scope=x,y)"],
            ),
            (
                r#"Bearer realm="u",service="s",Basic realm="b""#,
                &["bearer(realm=u;service=s)", "basic(realm=b)"],
            ),
            ("Basic, Bearer realm=u", &["basic()", "bearer(realm=u)"]),
            ("Negotiate, Basic", &["negotiate()", "basic()"]),
            ("Negotiate abc/d+e==, Basic realm=x", &["negotiate()", "basic(realm=x)"]),
            ("Negotiate abc=", &["negotiate()"]),
            ("NTLM abcd, Basic", &["ntlm()", "basic()"]),
            (r#"Bearer realm="a\"b\\c""#, &[r#"bearer(realm=a"b\c)"#]),
            (r#"Bearer realm="""#, &["bearer(realm=)"]),
            (r#"Bearer realm="never closed, Basic realm=x"#, &["bearer()"]),
            (r#"realm="no scheme""#, &[]),
            (r#",,Bearer ,,realm="u",,"#, &["bearer(realm=u)"]),
            (r#"Bearer realm="u" service="s""#, &["bearer(realm=u;service=s)"]),
            (r#"Bearer realm="u";service="s""#, &["bearer(realm=u;service=s)"]),
            ("Bearer realm=", &["bearer()"]),
            ("Bearer realm=,service=s", &["bearer(service=s)"]),
            ("Bearer =x, realm=u", &[]),
            ("é Bearer realm=ü", &["bearer(realm=ü)"]),
        ];
        for (header, expected) in cases {
            assert_eq!(shown(header), expected, "{header}");
        }
    }

    #[test]
    fn bearer_is_preferred_to_basic() {
        let preferred = |header: &str| {
            Challenge::preferred(Challenge::parse_all(header)).map(|challenge| challenge.scheme)
        };
        assert_eq!(preferred("Digest realm=a, Basic realm=b, Bearer realm=c").unwrap(), "bearer");
        assert_eq!(preferred("Digest realm=a, Basic realm=b").unwrap(), "basic");
        assert_eq!(preferred("Digest realm=a").unwrap(), "digest");
        assert_eq!(preferred(""), None);
        let twice = Challenge::parse_all("Bearer realm=a, realm=b").remove(0);
        assert_eq!((twice.param("realm"), twice.param("scope")), (Some("a"), None));
    }

    #[test]
    fn a_long_header_is_bounded() {
        assert_eq!(Challenge::parse_all(&"Basic, ".repeat(100_000)).len(), MAX_CHALLENGES);
        let many = format!("Bearer {}", "a=b, ".repeat(1000));
        assert_eq!(Challenge::parse_all(&many).remove(0).params.len(), MAX_PARAMS);
        let long = format!("Bearer realm=\"{}\"", "é".repeat(MAX_HEADER));
        assert_eq!(shown(&long), ["bearer()"]);
    }

    proptest! {
        #[test]
        fn never_panics(header in r#"([a-zB =",\\é/;]|Bearer |realm=")*"#) {
            let _ = Challenge::parse_all(&header);
        }

        #[test]
        fn what_was_quoted_is_read(realm in r#"[ -~é]{0,30}"#, scope in "[a-z:,* ]{0,30}") {
            let escaped = realm.replace('\\', "\\\\").replace('"', "\\\"");
            let header = format!(r#"Bearer realm="{escaped}",scope="{scope}", Basic"#);
            let challenges = Challenge::parse_all(&header);
            prop_assert_eq!(challenges.len(), 2);
            prop_assert_eq!(challenges[0].param("realm"), Some(realm.as_str()));
            prop_assert_eq!(challenges[0].param("scope"), Some(scope.as_str()));
        }
    }
}
