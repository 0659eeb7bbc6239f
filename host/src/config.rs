//! What a resolver may use: environment, destinations, budget. Nothing ambient gets in unless it is put in here.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::net::SocketAddr;
#[cfg(feature = "compile")]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keyward_ecr::secret::Secret;

use crate::budget::Budget;
use crate::event::{LookupEvent, Observer};
use crate::replay::Replay;

/// The variables besides `AWS_*` that the component sees too.
const OTHER_VARIABLES: [&str; 2] = ["HOME", "SSL_CERT_FILE"];

/// The variables that are for the transport alone. Proxies have passwords in their addresses.
const PROXY_VARIABLES: [&str; 8] =
    ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "all_proxy", "http_proxy", "https_proxy", "no_proxy"];

/// How many lookups may be under way at once, and how many of them for one registry.
const MAX_LIVE_LOOKUPS: usize = 1_000;
const MAX_LIVE_LOOKUPS_OF_ONE_REGISTRY: usize = 100;

/// How many answers are remembered: more than anybody has registries and identities, in some megabytes.
const CACHE_CAPACITY: usize = 1_000;

/// How long it is remembered that there are no credentials. Those who ask for several images of one registry ask within a moment,
/// and who has just logged in does not wait for long.
const NEGATIVE_TTL: Duration = Duration::from_secs(3);

/// The settings of a [`Resolver`](crate::Resolver).
///
/// ```
/// let config = keyward::Config::new()
///     .with_variable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
///     .with_variable("AWS_SECRET_ACCESS_KEY", "secret");
/// assert!(!format!("{config:?}").contains("secret"));
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// Destinations as they were typed.
    pub(crate) allowed: Vec<String>,
    pub(crate) budget: Budget,
    pub(crate) cache_capacity: usize,
    #[cfg(feature = "compile")]
    pub(crate) component: Option<PathBuf>,
    pub(crate) connect_to: BTreeMap<String, SocketAddr>,
    /// Whether programs may be started.
    pub(crate) credential_process: bool,
    /// The values may be secrets, and nobody can tell which.
    pub(crate) environment: BTreeMap<String, Secret>,
    /// Whether a lookup may be answered by another one.
    pub(crate) is_cached: bool,
    pub(crate) max_live_lookups: usize,
    pub(crate) max_live_lookups_of_one_registry: usize,
    /// Empty for those of the system.
    pub(crate) name_servers: Vec<SocketAddr>,
    pub(crate) negative_ttl: Duration,
    pub(crate) observer: Option<Observer>,
    pub(crate) replay: Option<Arc<dyn Replay>>,
    /// Whether the token files of IAM Identity Center may be replaced.
    pub(crate) sso_cache_writes: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allowed: Vec::new(),
            budget: Budget::default(),
            cache_capacity: CACHE_CAPACITY,
            #[cfg(feature = "compile")]
            component: None,
            connect_to: BTreeMap::new(),
            credential_process: false,
            environment: BTreeMap::new(),
            is_cached: true,
            max_live_lookups: MAX_LIVE_LOOKUPS,
            max_live_lookups_of_one_registry: MAX_LIVE_LOOKUPS_OF_ONE_REGISTRY,
            name_servers: Vec::new(),
            negative_ttl: NEGATIVE_TTL,
            observer: None,
            replay: None,
            sso_cache_writes: false,
        }
    }
}

impl Config {
    /// No environment, no files, the default budget.
    pub fn new() -> Self {
        Self::default()
    }

    /// The `AWS_*` variables of this process, `HOME`, `SSL_CERT_FILE` and the variables of proxies, and the files that
    /// they name. This is what the command uses.
    pub fn from_process_environment() -> Self {
        Self::new().with_environment(env::vars_os())
    }

    /// Takes those of the variables that mean something to a lookup: `AWS_*`, `HOME` and `SSL_CERT_FILE`, which the
    /// component sees too; and, for the transport alone, `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either
    /// case. In values that are not UTF-8, the bytes that are not are replaced. As if unset, such a value could mean another
    /// identity than the one that was meant; as it is, it names nothing.
    ///
    /// Where `REQUEST_METHOD` is among the variables, `HTTP_PROXY` is not taken: in a CGI program it is what the client of the
    /// web server says (<https://httpoxy.org>).
    #[must_use]
    pub fn with_environment(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut is_cgi = false;
        for (name, value) in variables {
            let Ok(name) = name.into_string() else { continue };
            is_cgi |= name == "REQUEST_METHOD";
            if is_of_component(&name) || PROXY_VARIABLES.contains(&name.as_str()) {
                let value = value.into_string().unwrap_or_else(|value| value.to_string_lossy().into_owned());
                self.environment.insert(name, Secret::new(value));
            }
        }
        if is_cgi {
            self.environment.remove("HTTP_PROXY");
        }
        self
    }

    /// Sets one environment variable for lookups.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), Secret::new(value.to_owned()));
        self
    }

    /// The budget of lookups that do not bring their own.
    #[must_use]
    pub fn with_budget(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }

    /// Connects to `address` wherever a request names `host` without a port, as curl's `--connect-to` does. The name in
    /// the request, the signature and the certificate stay those of `host`. For tests, and for networks where a name
    /// has to lead elsewhere.
    #[must_use]
    pub fn with_connect_to(mut self, host: &str, address: SocketAddr) -> Self {
        self.connect_to.insert(host.to_ascii_lowercase(), address);
        self
    }

    /// Lets lookups reach one more destination: scheme, host and, if it is not the scheme's own, port, as in
    /// `https://ecr.example:8443`; also where the name leads into a private network. What it is not, [`Resolver::new`] says.
    ///
    /// [`Resolver::new`]: crate::Resolver::new
    #[must_use]
    pub fn with_allowed(mut self, destination: &str) -> Self {
        self.allowed.push(destination.to_owned());
        self
    }

    /// Whether a lookup may run the program that `credential_process` of its profile names; it may not unless set. The program is no part of
    /// the sandbox: it may do whatever this process may.
    ///
    /// It runs before the component does, inside the lookup's deadline, by `sh -c`, without input, with its errors thrown away, in
    /// this process's environment with the [variables](Self::with_variable) of this configuration over it; at most 64 KiB of its output
    /// are taken. One that wants the terminal is ended, and its lookup with [`Error::Invalid`](crate::Error::Invalid). It and all that it
    /// has started, as far as they stay in its process group, are killed when it ends, and when its lookup does: by the deadline, a
    /// cancel, or a dropped future. Not on Windows.
    #[must_use]
    pub fn with_credential_process(self, is_allowed: bool) -> Self {
        Self { credential_process: is_allowed, ..self }
    }

    /// Whether a lookup that has refreshed a token of IAM Identity Center may write it to where `aws sso login` has put the old one; it
    /// may not unless set, and then each lookup refreshes an expired token anew. A file is replaced as a whole, and none is
    /// created.
    #[must_use]
    pub fn with_sso_cache_writes(self, is_allowed: bool) -> Self {
        Self { sso_cache_writes: is_allowed, ..self }
    }

    /// Asks these name servers instead of those of `/etc/resolv.conf`. Names in `/etc/hosts` are still asked of nobody.
    #[must_use]
    pub fn with_name_servers(self, name_servers: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self { name_servers: name_servers.into_iter().collect(), ..self }
    }

    /// How many lookups may be under way at once; 1,000 unless set. One more fails at once with
    /// [`Error::Overloaded`](crate::Error::Overloaded) and does not wait for any of them. One that is stuck takes about 100 KiB and
    /// a descriptor, so that the limit of open files (`ulimit -n`) has to be above this.
    ///
    /// From 64 on, the memory of lookups comes from a pool, for which this many times 4 GiB of addresses are reserved: up
    /// to 16,000 on common machines. They take no memory before they are used.
    #[must_use]
    pub fn with_max_live_lookups(self, max_live_lookups: usize) -> Self {
        Self { max_live_lookups, ..self }
    }

    /// How many lookups of one registry may be under way at once; 100 unless set. So a registry whose lookups are stuck
    /// leaves room for the others.
    #[must_use]
    pub fn with_max_live_lookups_of_one_registry(self, max_live_lookups_of_one_registry: usize) -> Self {
        Self { max_live_lookups_of_one_registry, ..self }
    }

    /// How many answers are remembered, each for one registry and one identity; 1,000 unless set. For one more, what is over is
    /// forgotten, or else what was not asked for for the longest time. With 0, nothing is remembered; lookups that ask the same at
    /// the same time still share an answer.
    #[must_use]
    pub fn with_cache_capacity(self, cache_capacity: usize) -> Self {
        Self { cache_capacity, ..self }
    }

    /// How long it is remembered that [there are no credentials](crate::Error::NoCredentials); 3 seconds unless set, and with zero,
    /// not at all. It is not remembered where a source, as instance metadata, took too long to connect or to answer, or broke off:
    /// it may have some. Nor is any other failure: whoever asks again after a timeout, a throttle, a denial or a cancel gets a lookup
    /// of its own.
    #[must_use]
    pub fn with_negative_ttl(self, negative_ttl: Duration) -> Self {
        Self { negative_ttl, ..self }
    }

    /// Makes each lookup one of its own: nothing is remembered, and nobody waits for another's lookup.
    #[must_use]
    pub fn without_cache(self) -> Self {
        Self { is_cached: false, ..self }
    }

    /// Calls `observe` with each lookup that is over, whatever came of it: a credential, an error, a dropped future, a refresh in the
    /// background. It is called where the lookup ends, so it must not block; a counter, or a channel that does not wait, is right. What it
    /// does when it panics is its caller's.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// let failed = Arc::new(AtomicU64::new(0));
    /// let counter = failed.clone();
    /// let config = keyward::Config::new().with_observer(move |lookup| {
    ///     if lookup.outcome != keyward::Outcome::Found {
    ///         counter.fetch_add(1, Ordering::Relaxed);
    ///     }
    /// });
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn with_observer(self, observe: impl Fn(&LookupEvent) + Send + Sync + 'static) -> Self {
        Self { observer: Some(Observer::new(observe)), ..self }
    }

    /// Plays files, clock and HTTP to lookups instead of letting them have the real ones. For tests: what they may reach is
    /// judged as ever, by name, and nothing of it is reached.
    #[must_use]
    pub fn with_replay(self, replay: Arc<dyn Replay>) -> Self {
        Self { replay: Some(replay), ..self }
    }

    /// Runs the component in this file instead of the one that is built in. It is compiled when the resolver is made.
    #[cfg(feature = "compile")]
    #[must_use]
    pub fn with_component(self, file: impl Into<PathBuf>) -> Self {
        Self { component: Some(file.into()), ..self }
    }

    /// Whether the component is the one that is built in.
    pub(crate) fn is_built_in(&self) -> bool {
        #[cfg(feature = "compile")]
        return self.component.is_none();
        #[cfg(not(feature = "compile"))]
        true
    }

    /// The variables that the component sees.
    pub(crate) fn component_variables(&self) -> impl Iterator<Item = (&String, &Secret)> {
        self.environment.iter().filter(|(name, _)| !PROXY_VARIABLES.contains(&name.as_str()))
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(Secret::expose).filter(|value| !value.is_empty())
    }
}

fn is_of_component(name: &str) -> bool {
    name.starts_with("AWS_") || OTHER_VARIABLES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(variables: &[(&str, &str)]) -> Vec<String> {
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Config::new().with_environment(variables).environment.into_keys().collect()
    }

    #[test]
    fn in_a_program_of_a_web_server_the_proxy_that_its_client_names_is_not_taken() {
        assert_eq!(names(&[("HTTP_PROXY", "http://proxy")]), ["HTTP_PROXY"]);
        let cgi = [("HTTP_PROXY", "http://evil"), ("REQUEST_METHOD", "GET"), ("https_proxy", "http://proxy")];
        assert_eq!(names(&cgi), ["https_proxy"]);
    }

    #[test]
    fn the_component_sees_nothing_of_proxies() {
        let config =
            Config::new().with_variable("HTTPS_PROXY", "http://user:password@proxy").with_variable("AWS_X", "y");
        assert_eq!(config.component_variables().map(|(name, _)| name).collect::<Vec<_>>(), ["AWS_X"]);
    }

    #[test]
    fn only_variables_that_mean_something_to_a_lookup_get_in() {
        let variables = [("AWS_REGION", "r"), ("HOME", "/h"), ("PATH", "/bin"), ("NOT_AWS_KEY", "k")];
        assert_eq!(names(&variables), ["AWS_REGION", "HOME"]);
    }
}
