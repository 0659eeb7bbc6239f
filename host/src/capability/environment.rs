//! Which environment variables a lookup sees.

use std::path;

use keyward_ecr::secret::Secret;

use crate::capability::files::FILE_SETTINGS;
use crate::config::Config;

/// The variables for the guest: all of the configuration's. A relative path gets absolute here, since the guest has no
/// working folder to take it from.
pub(crate) fn variables(config: &Config) -> Vec<(String, Secret)> {
    let variables = config.environment.iter().map(|(name, value)| {
        let is_file = FILE_SETTINGS.iter().any(|(setting, _)| setting == name);
        let absolute = if is_file { absolute(value.expose()) } else { None };
        (name.clone(), absolute.map_or_else(|| value.clone(), Secret::new))
    });
    variables.collect()
}

/// The absolute form of a path that is relative to the working folder.
fn absolute(path: &str) -> Option<String> {
    if path.is_empty() || path.starts_with(['/', '~']) {
        return None;
    }
    path::absolute(path).ok()?.into_os_string().into_string().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_becomes_absolute_and_others_stay() {
        let config = Config::new()
            .with_variable("AWS_CONFIG_FILE", "some/config")
            .with_variable("AWS_REGION", "some/region")
            .with_variable("AWS_SHARED_CREDENTIALS_FILE", "~/credentials");
        let here = path::absolute("some/config").unwrap();
        let variables = variables(&config);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(
            variables,
            [
                ("AWS_CONFIG_FILE", here.to_str().unwrap()),
                ("AWS_REGION", "some/region"),
                ("AWS_SHARED_CREDENTIALS_FILE", "~/credentials"),
            ]
        );
    }
}
