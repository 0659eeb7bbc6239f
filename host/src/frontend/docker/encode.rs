//! The answers that are JSON, as Go's encoder writes them: on one line.

use std::collections::BTreeMap;

use keyward::Credential;

use crate::frontend::go_json;

/// A credential, with the address of the registry as it was asked for.
pub(crate) fn credential_json(server: &[u8], credential: &Credential) -> String {
    format!(
        "{{\"ServerURL\":{},\"Username\":{},\"Secret\":{}}}\n",
        go_json::bytes(server),
        go_json::string(&credential.username),
        go_json::string(credential.secret.expose())
    )
}

/// The users of hosts, by the hosts' URLs.
pub(super) fn list_json(users: &BTreeMap<String, String>) -> String {
    let entries: Vec<String> = users
        .iter()
        .map(|(host, user)| format!("{}:{}", go_json::string(&format!("https://{host}")), go_json::string(user)))
        .collect();
    format!("{{{}}}\n", entries.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_sorted_by_url() {
        assert_eq!(list_json(&BTreeMap::new()), "{}\n");
        let users = [("b.example", "AWS"), ("a.example:8443", "A<")].map(|(host, user)| (host.into(), user.into()));
        assert_eq!(
            list_json(&users.into()),
            "{\"https://a.example:8443\":\"A\\u003c\",\"https://b.example\":\"AWS\"}\n"
        );
    }
}
