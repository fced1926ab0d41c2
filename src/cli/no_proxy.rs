//! Proxy variables: which hosts clients call without a proxy.

use std::ffi::OsString;

use super::variables::variable;

/// The two spellings. Some clients read one of them alone, and others prefer the lower case.
pub(super) const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// Variables that name a proxy.
pub(super) const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

pub(super) const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Both variables, with these hosts added to what they have now. One that is not set gets the value of the other.
pub(super) fn extended(hosts: &[String]) -> [(&'static str, OsString); 2] {
    let [upper, lower] = NO_PROXY.map(variable);
    let values = [upper.clone().or_else(|| lower.clone()), lower.or(upper)];
    let values = values.map(|value| with_hosts(value.unwrap_or_default(), hosts));
    let [upper, lower] = values;
    [(NO_PROXY[0], upper), (NO_PROXY[1], lower)]
}

/// Which of the hosts are called through a proxy, if there is one.
pub(super) fn proxied<'h>(hosts: &[&'h str]) -> Vec<&'h str> {
    let lists: Vec<_> = NO_PROXY.into_iter().filter_map(variable).collect();
    let is_exempt = |host: &&&str| {
        let lists = lists.iter().map(|list| list.to_string_lossy());
        !lists.clone().any(|list| !covers(&list, host)) && lists.len() > 0
    };
    let proxied = hosts.iter().filter(|host| !is_exempt(host));
    proxied.copied().collect()
}

fn with_hosts(list: OsString, hosts: &[String]) -> OsString {
    let text = list.to_string_lossy().into_owned();
    if text.trim() == "*" {
        return list; // in a longer list clients do not know the asterisk
    }
    let mut extended = list;
    for host in hosts {
        if items(&text).any(|item| item.eq_ignore_ascii_case(host)) {
            continue;
        }
        if !extended.is_empty() {
            extended.push(",");
        }
        extended.push(host);
    }
    extended
}

/// Whether a list of hosts, domains and networks has a host.
fn covers(list: &str, host: &str) -> bool {
    items(list).any(|item| {
        let is_network = item.starts_with("127.") && item.contains('/');
        let bare = item.trim_start_matches('.').trim_matches(['[', ']']);
        item == "*" || bare.eq_ignore_ascii_case(host) || is_network && host.starts_with("127.")
    })
}

/// curl takes blanks as separators too.
fn items(list: &str) -> impl Iterator<Item = &str> {
    let items = list.split([',', ' ']);
    items.filter(|item| !item.is_empty())
}
