//! Address ranges: the second half of the egress rules. Pure; the names are not looked at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of range an address is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// The public internet.
    Public,
    /// Loopback or private: for hosts that an administrator named.
    Private(&'static str),
    /// Refused always.
    Never(&'static str),
}

const METADATA: Range =
    Range::Never("a cloud metadata or platform address; requests there are never sent");
const LINK_LOCAL: Range = Range::Never("a link-local address; requests there are never sent");
const UNUSABLE: Range =
    Range::Never("an unspecified, multicast or broadcast address; requests there are never sent");
const LOOPBACK: Range = Range::Private(
    "a loopback address; only the endpoint itself, or a host in its allowed hosts, may be there",
);
const PRIVATE: Range = Range::Private(
    "a private address; only the endpoint itself, or a host in its allowed hosts, may be there",
);

/// Says which range an address is in. An IPv6 address that carries an IPv4 one (mapped,
/// compatible, NAT64, 6to4) is judged by that.
pub(super) fn classify(address: IpAddr) -> Range {
    match address {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => classify_v4(v4),
            None => classify_v6(v6),
        },
    }
}

fn classify_v4(v4: Ipv4Addr) -> Range {
    match v4.octets() {
        [169, 254, 169, 254] | [100, 100, 100, 200] | [168, 63, 129, 16] => METADATA,
        [169, 254, ..] => LINK_LOCAL,
        [0, ..] | [224..=255, ..] => UNUSABLE,
        [127, ..] => LOOPBACK,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => PRIVATE,
        _ => Range::Public,
    }
}

fn classify_v6(v6: Ipv6Addr) -> Range {
    match v6.segments() {
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => METADATA,
        [0, 0, 0, 0, 0, 0, 0, 1] => LOOPBACK,
        [0, 0, 0, 0, 0, 0, 0, 0] | [0xff00..=0xffff, ..] => UNUSABLE,
        [0xfe80..=0xfebf, ..] => LINK_LOCAL,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => PRIVATE,
        _ => Range::Public,
    }
}

/// The IPv4 address inside an IPv6 one, where it holds one.
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match v6.segments() {
        // :: and ::1 are IPv6's own; the rest of ::/96 is the old compatible form.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let cases = [
            ("93.184.216.34", Range::Public),
            ("2606:2800:220:1::1", Range::Public),
            ("172.15.0.1", Range::Public),
            ("172.32.0.1", Range::Public),
            ("100.128.0.1", Range::Public),
            ("127.0.0.1", LOOPBACK),
            ("127.8.8.8", LOOPBACK),
            ("::1", LOOPBACK),
            ("::ffff:127.0.0.1", LOOPBACK),
            ("10.1.2.3", PRIVATE),
            ("172.16.0.1", PRIVATE),
            ("172.31.255.255", PRIVATE),
            ("192.168.0.1", PRIVATE),
            ("100.64.0.1", PRIVATE),
            ("100.127.255.255", PRIVATE),
            ("fc00::1", PRIVATE),
            ("fd12::1", PRIVATE),
            ("fec0::1", PRIVATE),
            ("::10.0.0.1", PRIVATE),
            ("64:ff9b::10.0.0.1", PRIVATE),
            ("2002:a00:1::1", PRIVATE),
            ("169.254.1.1", LINK_LOCAL),
            ("fe80::1", LINK_LOCAL),
            ("febf::1", LINK_LOCAL),
            ("169.254.169.254", METADATA),
            ("::ffff:169.254.169.254", METADATA),
            ("::169.254.169.254", METADATA),
            ("64:ff9b::a9fe:a9fe", METADATA),
            ("fd00:ec2::254", METADATA),
            ("100.100.100.200", METADATA),
            ("168.63.129.16", METADATA),
            ("0.0.0.0", UNUSABLE),
            ("0.1.2.3", UNUSABLE),
            ("::", UNUSABLE),
            ("224.0.0.1", UNUSABLE),
            ("239.1.1.1", UNUSABLE),
            ("255.255.255.255", UNUSABLE),
            ("ff02::1", UNUSABLE),
        ];
        for (text, expected) in cases {
            assert_eq!(classify(text.parse().unwrap()), expected, "{text}");
        }
    }
}
