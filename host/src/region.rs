//! The registries of a region, for who names a region where others name a registry: `aws ecr get-login-password` does.

use std::env;
use std::io;
use std::mem;
use std::path::Path;
use std::time::{Duration, Instant};

use keyward_ecr::context::Context;
use keyward_ecr::partition::Partition;
use keyward_ecr::registry::Registry;
use keyward_ecr::settings::{Settings, SharedFiles};
use keyward_ecr::wiped::Wiped;
use keyward_ecr::world::{FileError, Local};

use crate::settings::read::{Unread, read};

/// Any account: a token is good for every registry of its region that its owner may use.
const ACCOUNT: &str = "000000000000";

/// The address of a registry in the region that was named; else in that of AWS_REGION, AWS_DEFAULT_REGION or the profile, in the order of
/// the AWS CLI. Disks that do not answer are waited for no longer than `deadline`.
pub(crate) fn registry(region: Option<&str>, profile: Option<&str>, deadline: Duration) -> Result<String, String> {
    of_region(&Here { since: Instant::now(), deadline }, region, profile)
}

fn of_region(local: &impl Local, region: Option<&str>, profile: Option<&str>) -> Result<String, String> {
    let region = region.map_or_else(|| configured(local, profile), |region| Ok(region.to_owned()))?;
    let region = region.to_ascii_lowercase();
    // New regions appear before tables name them: the commercial partition's, as a rule.
    let suffix = Partition::of_region(&region).unwrap_or_else(Partition::commercial).registry_suffix;
    let address = format!("{ACCOUNT}.dkr.ecr.{region}.{suffix}");
    match Registry::parse(&address) {
        Ok(registry) if registry.region == region => Ok(address),
        _ => Err(format!("'{region}' is not a region: name one as in us-east-1")),
    }
}

/// The region of who has typed none.
fn configured(local: &impl Local, profile: Option<&str>) -> Result<String, String> {
    let context = Context { profile: profile.map(str::to_owned), ..Context::default() };
    let files = SharedFiles::read(local);
    let settings = Settings::new(local, &context, &files);
    settings.region().map(|region| region.value.to_string()).ok_or_else(|| {
        let unreadable = files.unreadable().map(|files| format!("; what cannot be read: {files}")).unwrap_or_default();
        format!(
            "the region is missing: name it with --region, with AWS_REGION, or with region in the profile {}{unreadable}",
            settings.profile_name()
        )
    })
}

/// The environment and the files of this process.
struct Here {
    since: Instant,
    /// For all files together.
    deadline: Duration,
}

impl Local for Here {
    fn environment(&self, name: &str) -> Option<String> {
        env::var(name).ok()
    }

    fn file(&self, path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
        let content = read(Path::new(path), self.deadline.saturating_sub(self.since.elapsed()));
        content.map(|mut content| Wiped::new(mem::take(&mut *content))).map_err(|why| match why {
            Unread::Failed(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FileError::NotFound,
                kind => FileError::Unreadable(kind.to_string()),
            },
            Unread::Slow(_) => FileError::Unreadable(format!("it was not read within {:?}", self.deadline)),
            Unread::TooLong => FileError::Unreadable(why.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World(&'static [(&'static str, &'static str)], &'static str);

    impl Local for World {
        fn environment(&self, name: &str) -> Option<String> {
            self.0.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        }

        fn file(&self, path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
            if path == "/h/.aws/config" { Ok(Wiped::new(self.1.into())) } else { Err(FileError::NotFound) }
        }
    }

    #[test]
    fn the_region_is_named_by_flag_or_variable_or_profile_in_this_order() {
        let config = "[default]\nregion = eu-west-1\n[profile build]\nregion = cn-north-1\n";
        let file = World(&[("HOME", "/h")], config);
        let both = World(&[("HOME", "/h"), ("AWS_DEFAULT_REGION", "us-gov-west-1")], config);
        let first = World(&[("HOME", "/h"), ("AWS_DEFAULT_REGION", "x"), ("AWS_REGION", "eusc-de-east-1")], config);
        for (world, region, profile, expected) in [
            (&file, None, None, "000000000000.dkr.ecr.eu-west-1.amazonaws.com"),
            (&file, None, Some("build"), "000000000000.dkr.ecr.cn-north-1.amazonaws.com.cn"),
            (&both, None, None, "000000000000.dkr.ecr.us-gov-west-1.amazonaws.com"),
            (&first, None, None, "000000000000.dkr.ecr.eusc-de-east-1.amazonaws.eu"),
            (&first, Some("US-EAST-2"), None, "000000000000.dkr.ecr.us-east-2.amazonaws.com"),
            (&first, Some("lala-land-1"), None, "000000000000.dkr.ecr.lala-land-1.amazonaws.com"),
        ] {
            assert_eq!(of_region(world, region, profile).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_region_leads_nowhere_else() {
        for region in ["x.example.com#", "a.b", "", "us_east_1", "us-east-1.evil", "-x"] {
            of_region(&World(&[], ""), Some(region), None).unwrap_err();
        }
        let missing = of_region(&World(&[], ""), None, None).unwrap_err();
        assert!(missing.starts_with("the region is missing: name it with --region"), "{missing}");
    }
}
