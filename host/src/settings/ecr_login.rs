//! The variables of Amazon's own credential helper, for those who put this one in its place. They count where a client of
//! docker's protocol calls, and behind Keyward's own.
//!
//! It reads `GODEBUG` besides, which sets the cryptography of Go, and what the SDK of AWS reads, which lookups read too.

use std::path::PathBuf;

use super::sources::{Environment, SettingsError, text};

pub(super) const CACHE_DIR: &str = "AWS_ECR_CACHE_DIR";
pub(super) const DISABLE_CACHE: &str = "AWS_ECR_DISABLE_CACHE";
pub(super) const IGNORE_CREDS_STORAGE: &str = "AWS_ECR_IGNORE_CREDS_STORAGE";

/// Any value says it, `false` too.
pub(super) fn disables_cache(environment: Environment<'_>) -> Result<bool, SettingsError> {
    Ok(text(environment, DISABLE_CACHE)?.is_some())
}

/// A folder of our own in the one that was named: the files in there have another form.
pub(super) fn cache_folder(environment: Environment<'_>) -> Result<Option<PathBuf>, SettingsError> {
    let Some(folder) = text(environment, CACHE_DIR)? else { return Ok(None) };
    let folder = match folder.strip_prefix("~/") {
        // No shell expands what a service manager sets, and the other helper does.
        Some(below) => {
            let Some(home) = environment("HOME").filter(|home| !home.is_empty()) else { return Ok(None) };
            PathBuf::from(home).join(below)
        }
        None => PathBuf::from(folder),
    };
    Ok(Some(folder.join("keyward")))
}

/// To ignore is what is built in here, and to refuse is there. So a value that was set tells what is wanted: there, `true`
/// alone means to ignore.
pub(super) fn refuses_storage(environment: Environment<'_>) -> Result<bool, SettingsError> {
    Ok(text(environment, IGNORE_CREDS_STORAGE)?.is_some_and(|value| value != "true"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn set<'a>(variables: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        |name| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| OsString::from(value))
    }

    #[test]
    fn any_value_disables_the_cache() {
        assert_eq!(disables_cache(&set(&[])), Ok(false));
        for value in ["1", "true", "false", "0"] {
            assert_eq!(disables_cache(&set(&[(DISABLE_CACHE, value)])), Ok(true), "{value}");
        }
    }

    #[test]
    fn the_folder_of_the_cache_is_in_the_one_that_was_named() {
        assert_eq!(cache_folder(&set(&[])), Ok(None));
        for (named, folder) in [
            ("/var/cache/ecr", Some("/var/cache/ecr/keyward")),
            ("~/.ecr", Some("/home/a/.ecr/keyward")),
            ("cache", Some("cache/keyward")),
        ] {
            let variables = [(CACHE_DIR, named), ("HOME", "/home/a")];
            assert_eq!(cache_folder(&set(&variables)), Ok(folder.map(PathBuf::from)), "{named}");
        }
        assert_eq!(cache_folder(&set(&[(CACHE_DIR, "~/.ecr")])), Ok(None));
    }

    #[test]
    fn storage_is_refused_where_something_else_than_true_was_set() {
        assert_eq!(refuses_storage(&set(&[])), Ok(false));
        for (value, is_refused) in [("true", false), ("false", true), ("TRUE", true), ("1", true)] {
            assert_eq!(refuses_storage(&set(&[(IGNORE_CREDS_STORAGE, value)])), Ok(is_refused), "{value}");
        }
    }
}
