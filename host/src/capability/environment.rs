//! Which environment variables a lookup sees.

use std::path;

use crate::capability::files::FILE_SETTINGS;
use crate::config::Config;

/// The variables for the guest: all of the configuration's. A relative path gets absolute here, since the guest has no
/// working folder to take it from.
pub(crate) fn variables(config: &Config) -> Vec<(String, String)> {
    config
        .environment
        .iter()
        .map(|(name, value)| {
            let is_file = FILE_SETTINGS.iter().any(|(variable, _)| variable == name);
            let is_relative = is_file && !value.is_empty() && !value.starts_with("~/");
            let value = match path::absolute(value)
                .ok()
                .filter(|_| is_relative)
                .and_then(|path| path.into_os_string().into_string().ok())
            {
                Some(absolute) => absolute,
                None => value.clone(),
            };
            (name.clone(), value)
        })
        .collect()
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
        assert_eq!(
            variables(&config),
            [
                ("AWS_CONFIG_FILE", here.to_str().unwrap()),
                ("AWS_REGION", "some/region"),
                ("AWS_SHARED_CREDENTIALS_FILE", "~/credentials"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }
}
