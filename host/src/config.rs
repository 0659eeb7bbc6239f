//! What a resolver may use: environment, destinations, budget. Nothing ambient gets in unless it is put in here.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::net::SocketAddr;
#[cfg(feature = "compile")]
use std::path::PathBuf;

use keyward_ecr::secret::Secret;

use crate::budget::Budget;

/// The variables besides `AWS_*` that mean something to a lookup.
const OTHER_VARIABLES: [&str; 2] = ["HOME", "SSL_CERT_FILE"];

/// The settings of a [`Resolver`](crate::Resolver).
///
/// ```
/// let config = keyward::Config::new()
///     .with_variable("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
///     .with_variable("AWS_SECRET_ACCESS_KEY", "secret");
/// assert!(!format!("{config:?}").contains("secret"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub(crate) budget: Budget,
    #[cfg(feature = "compile")]
    pub(crate) component: Option<PathBuf>,
    pub(crate) connect_to: BTreeMap<String, SocketAddr>,
    /// The values may be secrets, and nobody can tell which.
    pub(crate) environment: BTreeMap<String, Secret>,
}

impl Config {
    /// No environment, no files, the default budget.
    pub fn new() -> Self {
        Self::default()
    }

    /// The `AWS_*` variables of this process, `HOME` and `SSL_CERT_FILE`, and the files that they name. This is what
    /// the command uses.
    pub fn from_process_environment() -> Self {
        Self::new().with_environment(env::vars_os())
    }

    /// Takes those of the variables that mean something to a lookup: `AWS_*`, `HOME` and `SSL_CERT_FILE`. In values that
    /// are not UTF-8, the bytes that are not are replaced. As if unset, such a value could mean another identity than the
    /// one that was meant; as it is, it names nothing.
    #[must_use]
    pub fn with_environment(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        for (name, value) in variables {
            let Ok(name) = name.into_string() else { continue };
            if name.starts_with("AWS_") || OTHER_VARIABLES.contains(&name.as_str()) {
                let value = value.into_string().unwrap_or_else(|value| value.to_string_lossy().into_owned());
                self.environment.insert(name, Secret::new(value));
            }
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

    /// Runs the component in this file instead of the one that is built in. It is compiled when the resolver is made.
    #[cfg(feature = "compile")]
    #[must_use]
    pub fn with_component(self, file: impl Into<PathBuf>) -> Self {
        Self { component: Some(file.into()), ..self }
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(Secret::expose).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_that_mean_something_to_a_lookup_get_in() {
        let variables = [("AWS_REGION", "r"), ("HOME", "/h"), ("PATH", "/bin"), ("NOT_AWS_KEY", "k")];
        let config = Config::new().with_environment(variables.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(config.environment.keys().collect::<Vec<_>>(), ["AWS_REGION", "HOME"]);
    }
}
