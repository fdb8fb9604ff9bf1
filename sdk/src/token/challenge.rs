//! `WWW-Authenticate` (RFC 9110 11.6.1), read leniently.
//!
//! The header may repeat, several challenges may share one line, values may be quoted with commas
//! inside, parameters may be missing; names and schemes compare without case.

use super::Demand;
use crate::{Challenge, Error, KeyValue, Result, http, http::Response};

/// Every challenge of a header value, in order.
#[must_use]
pub fn parse(value: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let Some((word, after)) = rest.split_at_checked(end) else { break };
        if word.is_empty() {
            break;
        }
        if let Some(text) = after.trim_start().strip_prefix('=') {
            let (value, after) = parameter_value(text.trim_start());
            if let Some(challenge) = challenges.last_mut() {
                challenge.params.push(KeyValue { key: word.to_owned(), value });
            }
            rest = after;
        } else {
            challenges.push(Challenge { scheme: word.to_owned(), params: Vec::new() });
            rest = after;
        }
    }
    challenges
}

/// A token or quoted string at the start of `text`, and what follows it.
fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => value.extend(chars.next()),
            _ => value.push(c),
        }
    }
    (value, chars.as_str())
}

/// The challenge to answer: Bearer before Basic, anything else not at all.
pub(crate) fn preferred(response: &Response) -> Option<Challenge> {
    let mut challenges: Vec<Challenge> =
        response.headers("WWW-Authenticate").flat_map(parse).collect();
    let of = |scheme: &str| challenges.iter().position(|c| c.scheme.eq_ignore_ascii_case(scheme));
    let chosen = of("Bearer").or_else(|| of("Basic"))?;
    Some(challenges.swap_remove(chosen))
}

/// What a challenge asks for; a relative realm is taken at the address that sent it.
pub(crate) fn demand(challenge: &Challenge, met_at: &str) -> Result<Demand> {
    if challenge.scheme.eq_ignore_ascii_case("Basic") {
        return Ok(Demand::Basic);
    }
    if !challenge.scheme.eq_ignore_ascii_case("Bearer") {
        let scheme = &challenge.scheme;
        return Err(Error::Unsupported(format!(
            "{met_at} asks for the authentication scheme `{scheme}`; Basic and Bearer are known"
        )));
    }
    let realm = challenge.param("realm").filter(|realm| !realm.is_empty()).ok_or_else(|| {
        Error::MalformedResponse(format!("{met_at} asks for a token and names no realm"))
    })?;
    let realm = http::resolve(met_at, realm);
    let starts = |url: &str, scheme: &str| {
        url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if starts(met_at, "https:") && !starts(&realm, "https:") {
        return Err(Error::Forbidden(format!(
            "{met_at} sends its users to the token service {realm}, which is not https; \
             the password is not sent there"
        )));
    }
    Ok(Demand::Token { realm, service: challenge.param("service").map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> Vec<String> {
        let show = |c: Challenge| {
            let params: Vec<String> =
                c.params.iter().map(|p| format!("{}={}", p.key, p.value)).collect();
            format!("{}[{}]", c.scheme, params.join("|"))
        };
        parse(value).into_iter().map(show).collect()
    }

    #[test]
    fn parses_what_servers_send() {
        for (value, expected) in [
            (
                r#"Bearer realm="https://a/token",service="S",scope="repository:n:pull,push""#,
                vec!["Bearer[realm=https://a/token|service=S|scope=repository:n:pull,push]"],
            ),
            (r#"Basic realm="Registry Realm""#, vec!["Basic[realm=Registry Realm]"]),
            (
                r#"bearer Realm=https://a/t , SERVICE=s, Basic realm="x, \"y\"""#,
                vec!["bearer[Realm=https://a/t|SERVICE=s]", r#"Basic[realm=x, "y"]"#],
            ),
            ("Negotiate, Basic", vec!["Negotiate[]", "Basic[]"]),
            ("Bearer realm = \"a\" ,service = \"b\"", vec!["Bearer[realm=a|service=b]"]),
            (r#"Bearer realm="unclosed"#, vec!["Bearer[realm=unclosed]"]),
            ("realm=orphan", vec![]),
            ("=", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(shown(value), expected, "{value}");
        }
    }

    #[test]
    fn resolves_and_refuses_realms() {
        let demanded = |realm: &str, met_at: &str| {
            demand(&parse(&format!("Bearer realm=\"{realm}\",service=\"s\"")).remove(0), met_at)
        };
        let realm_of = |demand| match demand {
            Ok(Demand::Token { realm, .. }) => realm,
            other => format!("{other:?}"),
        };
        let met_at = "https://r.test:5000/v2/";
        assert_eq!(
            realm_of(demanded("/service/token", met_at)),
            "https://r.test:5000/service/token"
        );
        assert_eq!(realm_of(demanded("https://a.test/t", met_at)), "https://a.test/t");
        assert_eq!(realm_of(demanded("http://a/t", "http://127.0.0.1:5/v2/")), "http://a/t");
        assert!(matches!(demanded("http://a.test/t", met_at), Err(Error::Forbidden(_))));
        assert!(matches!(demanded("", met_at), Err(Error::MalformedResponse(_))));
        let digest = parse("Digest realm=\"x\"").remove(0);
        assert!(matches!(demand(&digest, met_at), Err(Error::Unsupported(_))));
    }
}
