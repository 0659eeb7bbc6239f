//! Which environment variables a lookup sees.

use keyward_ecr::secret::Secret;

use crate::capability::files;
use crate::config::Config;

/// The variables for the guest: all of the configuration's but those of proxies. Paths are in the spelling in which files are granted: the guest
/// knows neither a working folder nor the operating system's rules for them.
pub(crate) fn variables(config: &Config) -> Vec<(String, Secret)> {
    let variables = config.component_variables().map(|(name, value)| {
        let path = if files::is_path(name) { files::absolute(config, value.expose()) } else { None };
        (name.clone(), path.map_or_else(|| value.clone(), Secret::new))
    });
    variables.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_absolute_and_other_values_stay_as_they_are() {
        let config = Config::new()
            .with_variable("AWS_CONFIG_FILE", "some/config")
            .with_variable("AWS_LOGIN_CACHE_DIRECTORY", "~/login/")
            .with_variable("AWS_REGION", "some/region")
            .with_variable("AWS_SHARED_CREDENTIALS_FILE", "~/credentials")
            .with_variable("AWS_WEB_IDENTITY_TOKEN_FILE", " /run/token\n")
            .with_variable("HOME", "/home//user");
        let here = std::path::absolute("some/config").unwrap();
        let variables = variables(&config);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(
            variables,
            [
                ("AWS_CONFIG_FILE", here.to_str().unwrap()),
                ("AWS_LOGIN_CACHE_DIRECTORY", "/home/user/login/"),
                ("AWS_REGION", "some/region"),
                ("AWS_SHARED_CREDENTIALS_FILE", "/home/user/credentials"),
                ("AWS_WEB_IDENTITY_TOKEN_FILE", "/run/token"),
                ("HOME", "/home/user"),
            ]
        );
    }
}
