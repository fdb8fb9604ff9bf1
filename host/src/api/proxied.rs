//! What a trusted proxy says of a request: who sent it, from where, and whether over TLS. Of
//! anybody else's request these headers say nothing.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::atomic::Ordering,
};

use axum::{extract::Request, http::HeaderMap};
use http::HeaderName;
use portolan_core::account::Role;

use super::{
    Api, ApiSettings, Peer, Secure,
    auth::{Kind, Who},
};

/// Longest name of a user that a proxy may give, in bytes.
const MAX_NAME: usize = 255;

/// How a proxy that has checked a login says whose it was.
#[derive(Clone, Debug)]
pub struct ProxyAuth {
    /// The header with the user's name.
    pub header: HeaderName,
    /// The header with the user's groups, separated by commas.
    pub role_header: Option<HeaderName>,
    /// What members of a group may do; the highest role counts.
    pub roles: BTreeMap<String, Role>,
    /// What everybody else may do; without it they are nobody.
    pub default_role: Option<Role>,
}

/// Somebody whose login a trusted proxy has checked.
#[derive(Clone)]
pub(crate) struct Proxied(pub(crate) Who);

/// Puts what is known of the request's origin into its extensions.
pub(crate) fn settle(api: &Api, request: &mut Request) {
    let settings = &api.0.settings;
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    if peer.is_some_and(|peer| is_trusted(settings, peer)) {
        believe(settings, request);
    } else if settings.proxy_auth.as_ref().is_some_and(|it| it.is_used(request.headers()))
        && !api.0.warned.swap(true, Ordering::Relaxed)
    {
        tracing::warn!(
            ?peer,
            "a user's name in a header was ignored, as it will be from now on without a word: it \
             did not come from one of the trusted proxies"
        );
    }
    if settings.external_url.as_deref().is_some_and(|url| url.starts_with("https://")) {
        request.extensions_mut().insert(Secure);
    }
}

fn is_trusted(settings: &ApiSettings, address: IpAddr) -> bool {
    settings.trusted_proxies.iter().any(|range| range.contains(address))
}

fn believe(settings: &ApiSettings, request: &mut Request) {
    let headers = request.headers();
    let client = client(settings, headers);
    let scheme = last(headers, "x-forwarded-proto");
    let secure = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    let who = settings.proxy_auth.as_ref().and_then(|auth| auth.who(headers));
    let extensions = request.extensions_mut();
    if let Some(client) = client {
        extensions.insert(Peer(client));
    }
    if secure {
        extensions.insert(Secure);
    }
    if let Some(who) = who {
        extensions.insert(Proxied(who));
    }
}

/// The last address in `X-Forwarded-For` that is no proxy of ours: what stands before it was said
/// by people we do not trust.
fn client(settings: &ApiSettings, headers: &HeaderMap) -> Option<IpAddr> {
    let mut found = None;
    for text in list(headers, "x-forwarded-for").rev() {
        let Some(address) = address(text) else { break };
        found = Some(address);
        if !is_trusted(settings, address) {
            break;
        }
    }
    found
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse::<SocketAddr>().ok().map(|it| it.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    list(headers, name).next_back()
}

/// The members of a list header, over all its lines.
fn list<'a>(headers: &'a HeaderMap, name: &str) -> impl DoubleEndedIterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter();
    let texts = values.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    texts.flat_map(|text| text.split(',')).map(str::trim).filter(|text| !text.is_empty())
}

impl ProxyAuth {
    fn is_used(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(&self.header)
    }

    /// Who it is; nobody where the name is missing or no text, or where a header comes twice: the
    /// other one is the client's own.
    fn who(&self, headers: &HeaderMap) -> Option<Who> {
        let name = headers.get(&self.header)?;
        for header in [Some(&self.header), self.role_header.as_ref()].into_iter().flatten() {
            if headers.get_all(header).iter().nth(1).is_some() {
                tracing::warn!(
                    "a proxy sends {header} twice in one request, and so names nobody: it lets \
                     clients send it, too"
                );
                return None;
            }
        }
        let name = std::str::from_utf8(name.as_bytes()).ok()?.trim();
        if name.is_empty() || name.len() > MAX_NAME || name.contains(char::is_control) {
            return None;
        }
        let role = self.role(headers)?;
        Some(Who { name: name.to_owned(), role, kind: Kind::Proxy })
    }

    fn role(&self, headers: &HeaderMap) -> Option<Role> {
        let header = self.role_header.as_ref();
        let groups = header.into_iter().flat_map(|name| list(headers, name.as_str()));
        groups.filter_map(|group| self.roles.get(group)).max().copied().or(self.default_role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn auth() -> ProxyAuth {
        let role = |(group, role): (&str, Role)| (group.to_owned(), role);
        ProxyAuth {
            header: HeaderName::from_static("x-remote-user"),
            role_header: Some(HeaderName::from_static("x-groups")),
            roles: [("ops", Role::Operator), ("root", Role::Admin)].map(role).into(),
            default_role: None,
        }
    }

    #[test]
    fn a_user_and_the_highest_of_its_roles() {
        type Lines = &'static [(&'static str, &'static str)];
        const ADA: (&str, &str) = ("x-remote-user", "ada@example.com");
        let cases: [(Lines, Option<Role>); 8] = [
            (&[], None),
            (&[ADA], None),
            (&[ADA, ("x-groups", "staff")], None),
            (&[ADA, ("x-groups", "staff, ops")], Some(Role::Operator)),
            (&[ADA, ("x-groups", "ops,root")], Some(Role::Admin)),
            (&[ADA, ("x-groups", "ops"), ("x-groups", "root")], None),
            (&[ADA, ("x-remote-user", "eve"), ("x-groups", "root")], None),
            (&[("x-remote-user", " "), ("x-groups", "root")], None),
        ];
        for (lines, expected) in cases {
            let who = auth().who(&headers(lines));
            assert_eq!(who.as_ref().map(|who| who.role), expected, "{lines:?}");
            assert!(who.is_none_or(|who| who.name == "ada@example.com" && who.kind == Kind::Proxy));
        }
        let everybody = ProxyAuth { default_role: Some(Role::Viewer), ..auth() };
        assert_eq!(everybody.who(&headers(&[ADA])).unwrap().role, Role::Viewer);
        let twice = [ADA, ("x-groups", ""), ("x-groups", "root")];
        assert!(everybody.who(&headers(&twice)).is_none(), "not even with the role of everybody");
    }

    #[test]
    fn the_caller_is_the_last_who_is_no_proxy_of_ours() {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let settings = ApiSettings { trusted_proxies, ..ApiSettings::default() };
        let cases: [(&[&str], Option<&str>); 8] = [
            (&[], None),
            (&["192.0.2.1"], Some("192.0.2.1")),
            (&["192.0.2.9, 192.0.2.1, 10.0.0.1"], Some("192.0.2.1")),
            (&["192.0.2.9", "192.0.2.1:443, 10.0.0.1"], Some("192.0.2.1")),
            (&["10.0.0.1, 10.0.0.2"], Some("10.0.0.1")),
            (&["[2001:db8::1]:443"], Some("2001:db8::1")),
            (&["192.0.2.9, unknown, 10.0.0.1"], Some("10.0.0.1")),
            (&["::ffff:192.0.2.1"], Some("192.0.2.1")),
        ];
        for (lines, expected) in cases {
            let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            let expected = expected.map(|text| text.parse::<IpAddr>().unwrap());
            assert_eq!(client(&settings, &headers(&lines)), expected, "{lines:?}");
        }
    }
}
