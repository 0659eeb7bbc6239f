//! What a lookup says of its steps, where its request asks for that: one line for each, as `wit/world.wit` has them.
//!
//! No line holds a secret: of keys, the last characters of their id are said, and nothing of a token.

use std::time::Duration;

use crate::credentials::Credentials;
use crate::endpoint::{Endpoint, Service};
use crate::error::Error;
use crate::settings::Settings;
use crate::world::{Scheme, World};

/// How many characters of an access key's id are said: enough to tell one's own keys apart.
const SHOWN_OF_ID: usize = 4;

/// The settings that choose among AWS's own endpoints.
const SWITCHES: [(&str, &str); 2] =
    [("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"), ("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")];

/// Says which endpoint was chosen, and by what: the request, a setting, or nothing but the service's own rules. Of a custom endpoint's URL, the path is not said: it is somebody's own.
pub fn endpoint(settings: &Settings<'_, impl World>, endpoint: &Endpoint) {
    if !settings.context.explain {
        return;
    }
    let scheme = match endpoint.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    let switch = |(variable, property)| {
        settings.value(variable, property).filter(|setting| setting.value.eq_ignore_ascii_case("true"))
    };
    // A request names that of the registry's API alone.
    let is_of_registry = matches!(endpoint.service, Service::Ecr | Service::EcrPublic);
    let requested = if is_of_registry { settings.requested_endpoint() } else { None };
    let chosen_by = requested
        .or_else(|| endpoint.service.custom(settings).ok().flatten())
        .or_else(|| SWITCHES.into_iter().find_map(switch));
    let origin = chosen_by.map(|setting| setting.origin.to_string()).unwrap_or_default();
    let url = format!("{scheme}://{}", endpoint.authority);
    say(settings.local, &["endpoint", endpoint.service.section_key(), &url, &endpoint.signing_region, &origin]);
}

/// Says that a source was not asked.
pub fn passed_over(settings: &Settings<'_, impl World>, source: &str, reason: &str) {
    if settings.context.explain {
        say(settings.local, &["source", source, "passed over", reason, "0"]);
    }
}

/// A source that is being asked for credentials.
pub struct Asked<'a, W> {
    world: &'a W,
    source: &'a str,
    begin: Duration,
}

impl<'a, W: World> Asked<'a, W> {
    /// The source is asked from now on, and that is said: one that takes too long is ended before it comes to anything. `None` where nobody
    /// wants to know.
    pub fn new(settings: &Settings<'a, W>, source: &'a str) -> Option<Self> {
        if !settings.context.explain {
            return None;
        }
        let (world, begin) = (settings.local, settings.local.elapsed());
        say(world, &["asking", source, &milliseconds(begin).to_string()]);
        Some(Self { world, source, begin })
    }

    /// It has credentials.
    pub fn found(&self, credentials: &Credentials) {
        let id = masked(&credentials.access_key_id);
        let token = credentials.session_token.as_ref().map_or("", |_| " with a session token");
        let account = credentials.account_id.as_ref().map_or_else(String::new, |id| format!(", of account {id}"));
        self.came_to("found", &format!("access key {id}{token}{account}"));
    }

    /// It is configured, and has none.
    pub fn failed(&self, error: &Error) {
        self.came_to("failed", &error.to_string());
    }

    /// It came to something else.
    pub fn came_to(&self, outcome: &str, detail: &str) {
        let took = milliseconds(self.world.elapsed().saturating_sub(self.begin));
        say(self.world, &["source", self.source, outcome, detail, &took.to_string()]);
    }
}

/// An access key's id, so that its owner knows it and nobody else learns it.
fn masked(id: &str) -> String {
    let hidden = id.chars().count().saturating_sub(SHOWN_OF_ID);
    // Of a short one, the last characters would be most of it.
    let shown = if hidden > SHOWN_OF_ID { id.chars().skip(hidden).collect() } else { String::new() };
    format!("****{shown}")
}

/// Those of a lookup are few enough for the smaller number.
fn milliseconds(time: Duration) -> u64 {
    time.as_secs() * 1000 + u64::from(time.subsec_millis())
}

fn say(world: &impl World, fields: &[&str]) {
    let mut line = String::new();
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            line.push('\t');
        }
        line.extend(field.chars().map(|sign| if sign.is_control() { ' ' } else { sign }));
    }
    line.push('\n');
    world.note(&line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::registry::Registry;
    use crate::test_world::{TestWorld, in_lookup};

    fn explained() -> Context {
        Context { explain: true, ..Context::default() }
    }

    #[test]
    fn an_endpoint_is_said_with_the_setting_that_names_it_and_without_its_path() {
        let said = |variables: &[(&str, &str)], context: &Context| {
            let world = TestWorld::with_environment(variables);
            in_lookup(&world, context, |lookup| lookup.endpoint(Service::Sts, "eu-west-1")).unwrap();
            world.notes.into_inner()
        };
        assert_eq!(said(&[], &explained()), ["endpoint\tsts\thttps://sts.eu-west-1.amazonaws.com\teu-west-1\t\n"]);
        assert_eq!(
            said(&[("AWS_ENDPOINT_URL", "http://proxy.example:8080/hunter2")], &explained()),
            ["endpoint\tsts\thttp://proxy.example:8080\teu-west-1\tAWS_ENDPOINT_URL\n"]
        );
        assert_eq!(
            said(&[("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_USE_DUALSTACK_ENDPOINT", "false")], &explained()),
            ["endpoint\tsts\thttps://sts-fips.eu-west-1.amazonaws.com\teu-west-1\tAWS_USE_FIPS_ENDPOINT\n"]
        );
        assert_eq!(said(&[], &Context::default()), [""; 0]);
    }

    #[test]
    fn an_endpoint_that_the_request_names_is_said_to_be_the_requests_whatever_the_settings_name() {
        let world = TestWorld::with_environment(&[("AWS_ENDPOINT_URL", "https://setting.example")]);
        let context = Context { endpoint: Some("https://requested.example".to_owned()), ..explained() };
        in_lookup(&world, &context, |lookup| {
            let registry = Registry::parse("123456789012.dkr.ecr.us-east-1.amazonaws.com").unwrap();
            endpoint(lookup.settings, &Endpoint::of_registry(&registry, lookup.settings).unwrap());
            lookup.endpoint(Service::Sts, "eu-west-1").unwrap();
        });
        assert_eq!(
            world.notes.into_inner(),
            [
                "endpoint\tecr\thttps://requested.example\tus-east-1\tendpoint of the request\n",
                "endpoint\tsts\thttps://setting.example\teu-west-1\tAWS_ENDPOINT_URL\n",
            ]
        );
    }

    #[test]
    fn of_keys_only_the_end_of_their_id_is_said() {
        let world = TestWorld::default();
        in_lookup(&world, &explained(), |lookup| {
            let credentials = Credentials::new("AKIDEXAMPLEWXYZ", "hunter2").with_session_token(Some("token"));
            let asked = Asked::new(lookup.settings, "here").unwrap();
            asked.found(&Credentials { account_id: Some("123456789012".to_owned()), ..credentials });
            asked.found(&Credentials::new("short", "s"));
            assert!(Asked::new(lookup.settings, "there").is_some());
        });
        assert_eq!(
            world.notes.into_inner(),
            [
                "asking\there\t0\n",
                "source\there\tfound\taccess key ****WXYZ with a session token, of account 123456789012\t0\n",
                "source\there\tfound\taccess key ****\t0\n",
                "asking\tthere\t0\n",
            ]
        );
    }

    #[test]
    fn a_text_with_tabs_and_lines_in_it_stays_one_field_of_one_line() {
        let world = TestWorld::default();
        in_lookup(&world, &explained(), |lookup| {
            Asked::new(lookup.settings, "a\tb").unwrap().failed(&Error::Invalid("c\nd\u{1b}".to_owned()));
        });
        assert_eq!(world.notes.into_inner(), ["asking\ta b\t0\n", "source\ta b\tfailed\tc d \t0\n"]);
    }
}
