//! The part of an address between `://` and the path: user info, host, port.

use std::net::Ipv6Addr;

use super::percent;

/// A host with its port, in the three forms of an address.
pub(super) struct Host {
    /// As it was written, a zone decoded.
    pub(super) shown: String,
    /// As it can be read again.
    pub(super) stored: String,
    /// As a URL takes it: without zone.
    pub(super) reachable: String,
}

/// Reads `[userinfo@]host[:port]` and drops the user info.
pub(super) fn parse(authority: &str) -> Result<Host, String> {
    let (user_info, host) = match authority.rsplit_once('@') {
        Some((user_info, host)) => (user_info, host),
        None => ("", authority),
    };
    if !user_info.chars().all(|c| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c)) {
        return Err("its user info holds a character that must be escaped".to_owned());
    }
    match host.strip_prefix('[') {
        Some(bracketed) => bracketed_host(bracketed),
        None => named_host(host),
    }
}

fn bracketed_host(text: &str) -> Result<Host, String> {
    let (inside, port) = text.split_once(']').ok_or("it has a [ without a ]")?;
    check_port(port)?;
    // `%25` begins a zone (RFC 6874); a bare `%` is what Harbor itself shows, and so comes back.
    let (address, zone) = match inside.split_once('%') {
        Some((address, zone)) => (address, Some(zone.strip_prefix("25").unwrap_or(zone))),
        None => (inside, None),
    };
    address.parse::<Ipv6Addr>().map_err(|_| "what is between [ and ] is no IPv6 address")?;
    let reachable = format!("[{address}]{port}");
    let Some(zone) = zone else {
        return Ok(Host { shown: reachable.clone(), stored: reachable.clone(), reachable });
    };
    let zone = percent::decode(zone)?;
    if zone.is_empty() || !zone.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)) {
        return Err("the zone of its IPv6 address has letters, digits and -._~ only".to_owned());
    }
    Ok(Host {
        shown: format!("[{address}%{zone}]{port}"),
        stored: format!("[{address}%25{zone}]{port}"),
        reachable,
    })
}

fn named_host(text: &str) -> Result<Host, String> {
    let (name, port) =
        text.split_at_checked(text.find(':').unwrap_or(text.len())).unwrap_or((text, ""));
    check_port(port)?;
    if name.is_empty() {
        return Err("it has no host".to_owned());
    }
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || "-._~!$&'()*+,;=".contains(c);
    if let Some(wrong) = name.chars().find(|c| !allowed(*c)) {
        return Err(format!("its host holds {wrong:?}"));
    }
    Ok(Host { shown: text.to_owned(), stored: text.to_owned(), reachable: text.to_owned() })
}

/// Empty, or a colon and digits.
fn check_port(text: &str) -> Result<(), String> {
    match text.strip_prefix(':') {
        None if text.is_empty() => Ok(()),
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => Ok(()),
        _ => Err("its port is no number".to_owned()),
    }
}
