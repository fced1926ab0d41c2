//! The addresses that callbacks may go to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far away an address is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Link-local addresses and metadata services of clouds. No receiver can be there.
    Never,
    /// This machine, its containers, the private network.
    Near,
    Public,
}

pub(super) fn judge(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(v4) => judge_v4(v4),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => judge_v4(v4),
            None => judge_v6(v6),
        },
    }
}

fn judge_v4(address: Ipv4Addr) -> Reach {
    let [a, b, ..] = address.octets();
    if address.is_link_local() || address == Ipv4Addr::new(100, 100, 100, 200) {
        return Reach::Never;
    }
    if address.is_broadcast() || address.is_multicast() {
        return Reach::Never;
    }
    let is_shared = a == 100 && (64..128).contains(&b);
    if address.is_loopback() || address.is_private() || address.is_unspecified() || is_shared {
        return Reach::Near;
    }
    Reach::Public
}

fn judge_v6(address: Ipv6Addr) -> Reach {
    let is_metadata = matches!(
        address.segments(),
        [0xfd00, 0x0ec2, ..] // Amazon's services, those of pods too
            | [0xfd20, 0x00ce, ..] // Google's
            | [0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x0042] // Scaleway's
            | [0xfc00..=0xfdff, .., 0xa9fe, 0xa9fe] // 169.254.169.254 behind a private prefix: Oracle's
    );
    if address.is_unicast_link_local() || address.is_multicast() || is_metadata {
        return Reach::Never;
    }
    if address.is_loopback() || address.is_unspecified() || address.is_unique_local() {
        return Reach::Near;
    }
    Reach::Public
}

/// The IPv4 address that an IPv6 spelling stands for: mapped, compatible, translated, 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = address.segments();
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match (s0, s1, s2, s3, s4, s5) {
        (0, 0, 0, 0, 0, 0) if (s6, s7) <= (0, 1) => None, // `::` and `::1`
        (0, 0, 0, 0, 0, 0 | 0xffff) | (0, 0, 0, 0, 0xffff, 0) | (0x64, 0xff9b, 0, 0, 0, 0) => {
            v4(s6, s7)
        }
        (0x2002, ..) => v4(s1, s2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_and_metadata_addresses_are_never_called_in_any_spelling() {
        for address in [
            "169.254.169.254",
            "100.100.100.200",
            "fe80::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fd00:42::42",
            "fd00:c1::a9fe:a9fe",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "::ffff:100.100.100.200",
            "255.255.255.255",
            "224.0.0.1",
        ] {
            assert_eq!(
                judge(address.parse().expect("an address")),
                Reach::Never,
                "{address}"
            );
        }
    }

    #[test]
    fn loopback_private_and_container_addresses_are_near_and_others_public() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.17.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "::1",
            "fd12::1",
            "::ffff:127.0.0.1",
        ] {
            assert_eq!(
                judge(address.parse().expect("an address")),
                Reach::Near,
                "{address}"
            );
        }
        for address in [
            "93.184.215.14",
            "2606:2800::1",
            "172.32.0.1",
            "::ffff:8.8.8.8",
        ] {
            assert_eq!(
                judge(address.parse().expect("an address")),
                Reach::Public,
                "{address}"
            );
        }
    }
}
