//! The addresses that callbacks may go to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far away an address is. What is later in this list is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// This machine, its containers, the private network.
    Near,
    Public,
    /// Link-local addresses and metadata services of clouds. No receiver can be there.
    Never,
}

/// The addresses that begin with the first `bits` of `network`.
struct Range {
    network: IpAddr,
    bits: u32,
    reach: Reach,
}

/// The first range that has the address decides. An address in no range is public.
const RANGES: [Range; 22] = [
    // Link-local (RFC 3927). The metadata services of Amazon, Google, Azure, DigitalOcean, OpenStack and others are
    // at 169.254.169.254, that of Amazon's containers at 169.254.170.2.
    v4([169, 254, 0, 0], 16, Reach::Never),
    // Alibaba Cloud: "ECS instance metadata".
    v4([100, 100, 100, 200], 32, Reach::Never),
    // Azure: "What is IP address 168.63.129.16?". It gives certificates and the settings of the machine.
    v4([168, 63, 129, 16], 32, Reach::Never),
    // Oracle Cloud Classic: "Instance metadata".
    v4([192, 0, 0, 192], 32, Reach::Never),
    // Multicast (RFC 5771) and broadcast (RFC 919) are no receivers.
    v4([224, 0, 0, 0], 4, Reach::Never),
    v4([255, 255, 255, 255], 32, Reach::Never),
    // Loopback (RFC 1122), and 0.0.0.0, which systems connect to this machine.
    v4([127, 0, 0, 0], 8, Reach::Near),
    v4([0, 0, 0, 0], 32, Reach::Near),
    // Private networks (RFC 1918), and shared addresses (RFC 6598), which container networks use.
    v4([10, 0, 0, 0], 8, Reach::Near),
    v4([172, 16, 0, 0], 12, Reach::Near),
    v4([192, 168, 0, 0], 16, Reach::Near),
    v4([100, 64, 0, 0], 10, Reach::Near),
    // Link-local and multicast (RFC 4291).
    v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, Reach::Never),
    v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, Reach::Never),
    // Amazon: "Use the Instance Metadata Service" (fd00:ec2::254), and the credentials of pods (fd00:ec2::23).
    v6([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0], 32, Reach::Never),
    // Google Cloud: "About VM metadata" (fd20:ce::254).
    v6([0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0], 32, Reach::Never),
    // Scaleway: "Instances metadata".
    v6([0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x0042], 128, Reach::Never),
    // Oracle Cloud: "Instance metadata" (fd00:c1::a9fe:a9fe).
    v6([0xfd00, 0x00c1, 0, 0, 0, 0, 0, 0], 32, Reach::Never),
    // Translation to IPv4 inside of a network (RFC 8215). Where the IPv4 address is in it, and which addresses it
    // reaches, is known in that network alone.
    v6([0x0064, 0xff9b, 0x0001, 0, 0, 0, 0, 0], 48, Reach::Never),
    // Loopback and unspecified (RFC 4291), unique local (RFC 4193).
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128, Reach::Near),
    v6([0, 0, 0, 0, 0, 0, 0, 0], 128, Reach::Near),
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, Reach::Near),
];

const fn v4(octets: [u8; 4], bits: u32, reach: Reach) -> Range {
    Range {
        network: IpAddr::V4(Ipv4Addr::from_octets(octets)),
        bits,
        reach,
    }
}

const fn v6(segments: [u16; 8], bits: u32, reach: Reach) -> Range {
    Range {
        network: IpAddr::V6(Ipv6Addr::from_segments(segments)),
        bits,
        reach,
    }
}

impl Range {
    fn has(&self, address: IpAddr) -> bool {
        match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                (network.to_bits() ^ address.to_bits()).leading_zeros() >= self.bits
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                (network.to_bits() ^ address.to_bits()).leading_zeros() >= self.bits
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Judges an address, and the IPv4 addresses in it.
pub(super) fn judge(address: IpAddr) -> Reach {
    let IpAddr::V6(v6) = address else {
        return in_table(address);
    };
    if let Some(v4) = spelled_v4(v6) {
        return in_table(v4.into());
    }
    let ends = tunnel_ends(v6).into_iter().flatten();
    let of_ends = ends.map(|end| in_table(end.into()));
    of_ends.fold(in_table(address), Reach::max)
}

fn in_table(address: IpAddr) -> Reach {
    let range = RANGES.iter().find(|range| range.has(address));
    range.map_or(Reach::Public, |range| range.reach)
}

/// The IPv4 address that an IPv6 spelling stands for: mapped and compatible (RFC 4291), translated (RFC 2765),
/// NAT64 (RFC 6052), 6to4 (RFC 3056).
fn spelled_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = address.segments();
    match (s0, s1, s2, s3, s4, s5) {
        (0, 0, 0, 0, 0, 0) if (s6, s7) <= (0, 1) => None, // `::` and `::1`
        (0, 0, 0, 0, 0, 0 | 0xffff) | (0, 0, 0, 0, 0xffff, 0) | (0x64, 0xff9b, 0, 0, 0, 0) => {
            Some(v4_of(s6, s7))
        }
        (0x2002, ..) => Some(v4_of(s1, s2)),
        _ => None,
    }
}

/// The IPv4 addresses at the ends of a tunnel: ISATAP (RFC 5214), and server and client of Teredo (RFC 4380). The
/// prefix of such an address counts too. So does 169.254.169.254 behind any private prefix, as in Oracle's cloud.
fn tunnel_ends(address: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = address.segments();
    let teredo = (s0, s1) == (0x2001, 0);
    let isatap = matches!(s4, 0 | 0x0200) && s5 == 0x5efe;
    let private_metadata = address.is_unique_local() && (s6, s7) == (0xa9fe, 0xa9fe);
    [
        teredo.then(|| v4_of(s2, s3)),
        match (teredo, isatap || private_metadata) {
            (true, _) => Some(v4_of(!s6, !s7)),
            (false, true) => Some(v4_of(s6, s7)),
            (false, false) => None,
        },
    ]
}

fn v4_of(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low))
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
            "168.63.129.16",
            "192.0.0.192",
            "::ffff:168.63.129.16",
            "64:ff9b::192.0.0.192",
            "64:ff9b:1::169.254.169.254",
            "64:ff9b:1:a9fe:a9:fe00::",
            "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
            "::5efe:169.254.169.254",
            "fd12::5efe:169.254.169.254",
            "2001:db8::200:5efe:168.63.129.16",
            "2001:0:4136:e378:8000:63bf:5601:5601", // Teredo: the client is 169.254.169.254
            "2001:0:a9fe:a9fe:8000:63bf:f5ff:fffe", // its server is
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
            "fd12::5efe:10.0.0.1",
            "2002:a00:1::1",
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
            "168.63.129.17",
            "192.0.0.191",
            "64:ff9b:2::169.254.169.254",
            "2606:2800::5efe:127.0.0.1",
            "2001:0:4136:e378:8000:63bf:80ff:fffe", // Teredo: the client is 127.0.0.1, the relay is far
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
