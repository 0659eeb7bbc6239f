//! What the shared files name: files and destinations that a lookup may have besides those that its variables name.
//!
//! The host reads and parses the files as the component does, and with the same code. It does so when a component asks for what no
//! variable grants, and at most once for a lookup.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use keyward_ecr::endpoint::Service;
use keyward_ecr::profile::{Properties, SectionKind, sub_property};
use keyward_ecr::secret::Secret;
use keyward_ecr::settings::SharedFiles;
use keyward_ecr::token_cache::{login_file, sso_file};
use keyward_ecr::wiped::Wiped;
use keyward_ecr::world::{FileError, Local};
use tokio::sync::OnceCell;

use crate::capability::blocking::Blocking;
use crate::capability::destination::Destination;
use crate::capability::egress::{self, Grant, ignores_endpoints};
use crate::capability::files::{self, Files, LOGIN_FOLDER, absolute};
use crate::capability::meter::Meter;
use crate::config::Config;

/// The shared files of a resolver. Clones share what is under way.
#[derive(Clone)]
pub(crate) struct Profiles(Arc<Inner>);

struct Inner {
    config: Config,
    files: Files,
    /// As the component sees them.
    variables: Arc<Vec<(String, Secret)>>,
    parsing: Blocking<Arc<Named>>,
    hashing: RandomState,
}

impl Profiles {
    pub(crate) fn new(config: &Config, files: &Files, variables: &Arc<Vec<(String, Secret)>>) -> Self {
        Self(Arc::new(Inner {
            config: config.clone(),
            files: files.clone(),
            variables: variables.clone(),
            parsing: Blocking::default(),
            hashing: RandomState::new(),
        }))
    }

    /// What settings are read from, as it is now.
    pub(crate) async fn read(&self, meter: &Meter) -> Preread {
        let Inner { files, variables, .. } = &*self.0;
        let mut contents = BTreeMap::new();
        for path in files.shared() {
            let _waiting = meter.file(path);
            let content = files.open(path).await.map_err(|error| error.kind());
            contents.insert(path.clone(), content);
        }
        let version = self.0.hashing.hash_one(&contents);
        Preread { variables: variables.clone(), contents, version }
    }

    /// On a thread: a file may be as large as a mebibyte.
    async fn named(&self, meter: &Meter) -> Arc<Named> {
        let local = self.read(meter).await;
        if self.0.config.replay.is_some() {
            // A clock that is played stands still only as long as nobody waits for another thread.
            return Arc::new(Named::of(&self.0.config, &local));
        }
        // Who has read a newer file does not wait for what an older one names.
        let (this, version) = (self.clone(), local.version().to_string());
        let named = self.0.parsing.run(&version, move || Arc::new(Named::of(&this.0.config, &local)));
        // Without a thread, nothing more is granted.
        named.await.unwrap_or_default()
    }
}

/// The shared files, read beforehand, and the variables.
pub(crate) struct Preread {
    variables: Arc<Vec<(String, Secret)>>,
    contents: BTreeMap<String, Result<Bytes, io::ErrorKind>>,
    version: u64,
}

impl Preread {
    /// Another number for other contents.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }
}

impl Local for Preread {
    fn environment(&self, name: &str) -> Option<String> {
        let variable = self.variables.iter().find(|(variable, _)| variable == name);
        variable.map(|(_, value)| value.expose().to_owned())
    }

    fn file(&self, path: &str) -> Result<Wiped<Vec<u8>>, FileError> {
        match self.contents.get(path) {
            None => Err(FileError::NotGranted),
            Some(Ok(content)) => Ok(Wiped::new(content.to_vec())),
            Some(Err(io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)) => Err(FileError::NotFound),
            Some(Err(kind)) => Err(FileError::Unreadable(kind.to_string())),
        }
    }
}

/// What the shared files name. Where one of them makes no sense, that is nothing: the component comes to the same error.
#[derive(Debug, Default)]
struct Named {
    destinations: BTreeSet<Destination>,
    /// Those that are metadata services.
    metadata: BTreeSet<Destination>,
    /// The spelling of the component → the path.
    files: BTreeMap<String, String>,
    /// Those of the files that may be replaced, where the operator lets them be.
    sso_files: BTreeSet<String>,
}

impl Named {
    fn of(config: &Config, local: &impl Local) -> Self {
        let mut named = Self::default();
        let shared = SharedFiles::read(local);
        let Ok(profiles) = shared.profiles() else { return named };
        for ((kind, name), properties) in profiles.all() {
            match kind {
                SectionKind::Profile => named.add_profile(config, local, &properties),
                SectionKind::Services if ignores_endpoints(config) != Some(true) => {
                    let sections = Service::ALL.iter().filter_map(|service| properties.get(service.section_key()));
                    sections.for_each(|section| named.add_destination(sub_property(section, "endpoint_url")));
                }
                SectionKind::Services => {}
                SectionKind::SsoSession => named.add_sso_file(config, name),
            }
        }
        named
    }

    fn add_profile(&mut self, config: &Config, local: &impl Local, properties: &Properties) {
        let get =
            |property: &str| properties.get(property).map(|value| value.as_str()).filter(|value| !value.is_empty());
        if let Some(token) = get("web_identity_token_file") {
            self.add_file(config, token);
        }
        if let Some(start_url) = get("sso_start_url") {
            self.add_sso_file(config, start_url);
        }
        if let Some(session) = get("login_session") {
            let folder = local.environment(LOGIN_FOLDER).filter(|folder| !folder.is_empty());
            self.add_file(config, &login_file(folder.as_deref(), session));
        }
        self.metadata.extend(get("ec2_metadata_service_endpoint").and_then(egress::destination));
        let ignores = || get("ignore_configured_endpoint_urls").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if !ignores_endpoints(config).unwrap_or_else(ignores) {
            self.add_destination(get("endpoint_url"));
        }
    }

    /// A relative path is one below this process's working folder. The component does not know that folder, and opens the
    /// path in its own, `/`.
    fn add_file(&mut self, config: &Config, path: &str) {
        let Some(file) = absolute(config, path) else { return };
        if path.starts_with(['/', '~']) {
            self.files.insert(file.clone(), file);
        } else {
            // What another profile names by an absolute path goes before.
            self.files.entry(files::opened(path)).or_insert(file);
        }
    }

    fn add_sso_file(&mut self, config: &Config, session_or_start_url: &str) {
        if let Some(file) = absolute(config, &sso_file(session_or_start_url)) {
            self.sso_files.insert(file.clone());
            self.files.insert(file.clone(), file);
        }
    }

    fn add_destination(&mut self, url: Option<&str>) {
        self.destinations.extend(url.and_then(egress::destination));
    }
}

/// What the shared files name, for one lookup.
pub(crate) struct OfLookup {
    profiles: Profiles,
    meter: Arc<Meter>,
    named: OnceCell<Arc<Named>>,
}

impl OfLookup {
    pub(crate) fn new(profiles: &Profiles, meter: &Arc<Meter>) -> Self {
        Self { profiles: profiles.clone(), meter: meter.clone(), named: OnceCell::new() }
    }

    /// The path of a file, where a profile names what the component opens.
    pub(crate) async fn file(&self, opened: &str) -> Option<String> {
        self.named().await.files.get(opened).cloned()
    }

    /// The path of a file, where the component may replace what it opens.
    pub(crate) async fn replaceable(&self, opened: &str) -> Option<String> {
        // Without reading anything where nothing may be written.
        let may_write = self.profiles.0.config.sso_cache_writes;
        if may_write { self.named().await.sso_files.get(opened).cloned() } else { None }
    }

    /// As what a profile, or a services section, names a destination.
    pub(crate) async fn grant(&self, destination: &Destination) -> Option<Grant> {
        let Named { destinations, metadata, .. } = self.named().await;
        // Before what else it may be named as: no proxy reads the keys of a machine.
        if metadata.contains(destination) {
            return Some(Grant::Metadata);
        }
        destinations.contains(destination).then_some(Grant::Named)
    }

    async fn named(&self) -> &Named {
        self.named.get_or_init(|| self.profiles.named(&self.meter)).await
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;
    use crate::capability::environment;

    /// What lookups of a configuration have of profiles.
    pub(crate) fn of_lookup(config: &Config) -> OfLookup {
        let variables = Arc::new(environment::variables(config));
        OfLookup::new(&Profiles::new(config, &Files::new(config), &variables), &Arc::default())
    }

    /// A home folder with a config file.
    fn home(text: &str) -> (tempfile::TempDir, Config) {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        fs::write(home.path().join(".aws/config"), text).unwrap();
        let config = Config::new().with_variable("HOME", home.path().to_str().unwrap());
        (home, config)
    }

    async fn named(config: &Config, url: &str) -> bool {
        of_lookup(config).grant(&egress::destination(url).unwrap()).await.is_some()
    }

    #[tokio::test]
    async fn every_file_that_a_profile_names_is_granted_and_no_other() {
        let (home, config) = home(
            "[profile web]\nweb_identity_token_file = /run//token\n[profile home]\nweb_identity_token_file = ~/token\n\
             [profile here]\nweb_identity_token_file = tokens/here\n[profile both]\nweb_identity_token_file = run/token\n\
             [sso-session admin]\nsso_region = us-east-1\n[profile old]\nsso_start_url = https://d-92671207e4.awsapps.com/start\n\
             [profile in]\nlogin_session = abc\n[profile empty]\nweb_identity_token_file =\nca_bundle = /etc/passwd\n",
        );
        let home = home.path().to_str().unwrap();
        let here = std::path::absolute("tokens/here").unwrap();
        let login = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.json";
        let profiles = of_lookup(&config);
        for (opened, file) in [
            // That another profile names run/token makes no difference to who means this one.
            ("/run/token", "/run/token"),
            ("/tokens/here", here.to_str().unwrap()),
        ] {
            assert_eq!(profiles.file(opened).await.as_deref(), Some(file));
        }
        for below_home in [
            "token",
            ".aws/sso/cache/d033e22ae348aeb5660fc2140aec35850c4da997.json",
            ".aws/sso/cache/13f9d35043871d073ab260e020f0ffde092cb14b.json",
            &format!(".aws/login/cache/{login}"),
        ] {
            let path = format!("{home}/{below_home}");
            assert_eq!(profiles.file(&path).await, Some(path));
        }
        for other in ["/etc/passwd", "/etc/shadow", home, "/", "", "/run", "/run/token/", "/run/../run/token"] {
            assert_eq!(profiles.file(other).await, None, "{other}");
        }
        // In each spelling, the component has the absolute one.
        for folder in ["/var/login/", " /var/login\n", "/var//login"] {
            let elsewhere = config.clone().with_variable("AWS_LOGIN_CACHE_DIRECTORY", folder);
            let path = format!("/var/login/{login}");
            assert_eq!(of_lookup(&elsewhere).file(&path).await, Some(path), "{folder}");
        }
        let below_here = config.with_variable("AWS_LOGIN_CACHE_DIRECTORY", "login");
        let path = std::path::absolute("login").unwrap().join(login).to_str().unwrap().to_owned();
        assert_eq!(of_lookup(&below_here).file(&path).await, Some(path));
    }

    #[tokio::test]
    async fn what_may_be_replaced_is_a_token_of_iam_identity_center_where_the_operator_lets_it_be() {
        let (home, config) =
            home("[sso-session admin]\n[profile a]\nweb_identity_token_file = /run/token\nlogin_session = x\n");
        let file = format!("{}/.aws/sso/cache/d033e22ae348aeb5660fc2140aec35850c4da997.json", home.path().display());
        assert_eq!(of_lookup(&config).replaceable(&file).await, None);
        let profiles = of_lookup(&config.with_sso_cache_writes(true));
        assert_eq!(profiles.replaceable(&file).await, Some(file));
        let shared = format!("{}/.aws/config", home.path().display());
        for other in ["/run/token", &shared, "/etc/passwd"] {
            assert_eq!(profiles.replaceable(other).await, None, "{other}");
        }
        assert_eq!(profiles.named().await.files.len(), 3);
    }

    #[tokio::test]
    async fn endpoints_of_profiles_and_of_services_that_lookups_call_are_named_destinations() {
        let text = "[default]\nendpoint_url = http://localhost:4566/path\nec2_metadata_service_endpoint = http://[fd00::1]:81\n\
                    [services local]\necr =\n  endpoint_url = https://ecr.example:8443\nsso_oidc =\n  endpoint_url = https://oidc.example\n\
                    s3 =\n  endpoint_url = https://s3.example\n[profile not]\nignore_configured_endpoint_urls = True\n\
                    endpoint_url = http://ignored.example\n";
        let (_home, config) = home(text);
        for url in ["http://localhost:4566", "http://[fd00::1]:81", "https://ecr.example:8443", "https://oidc.example"]
        {
            assert!(named(&config, url).await, "{url}");
        }
        for url in ["https://localhost:4566", "http://localhost", "https://s3.example", "http://ignored.example"] {
            assert!(!named(&config, url).await, "{url}");
        }
        let ignored = config.with_variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE");
        assert!(!named(&ignored, "http://localhost:4566").await);
        assert!(!named(&ignored, "https://ecr.example:8443").await);
        assert!(named(&ignored, "http://[fd00::1]:81").await);
        // The environment goes before the profile, also here.
        let not_ignored = ignored.with_variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false");
        assert!(named(&not_ignored, "http://ignored.example").await);
    }

    #[tokio::test]
    async fn files_that_make_no_sense_name_nothing() {
        let (_home, config) = home("[default]\nendpoint_url = http://localhost:4566\n[oops\n");
        assert!(!named(&config, "http://localhost:4566").await);
        assert!(!named(&Config::new(), "http://localhost:4566").await);
    }

    #[tokio::test]
    async fn a_lookup_asks_the_shared_files_once_and_the_next_one_asks_again() {
        let (home, config) = home("[default]\nendpoint_url = http://one.example\n");
        let profiles = of_lookup(&config);
        let names = async |profiles: &OfLookup, url| profiles.grant(&egress::destination(url).unwrap()).await.is_some();
        assert!(names(&profiles, "http://one.example").await);
        fs::write(home.path().join(".aws/config"), "[default]\nendpoint_url = http://two.example\n").unwrap();
        assert!(names(&profiles, "http://one.example").await && !names(&profiles, "http://two.example").await);
        let next = OfLookup::new(&profiles.profiles, &profiles.meter);
        assert!(names(&next, "http://two.example").await && !names(&next, "http://one.example").await);
    }

    /// It once waited for the same thread, and got what the older file names.
    #[tokio::test]
    async fn a_lookup_that_has_read_a_newer_file_does_not_get_what_an_older_one_names() {
        let (home, config) = home("[default]\nendpoint_url = http://one.example\n");
        let profiles = of_lookup(&config).profiles;
        let old = profiles.read(&Meter::default()).await;
        assert_eq!(old.version(), profiles.read(&Meter::default()).await.version());
        let (go_on, hanging) = std::sync::mpsc::channel::<()>();
        let hangs = move || {
            let _ = hanging.recv();
            Arc::default()
        };
        let (parsing, version) = (profiles.0.parsing.clone(), old.version().to_string());
        let under_way = tokio::spawn(async move { parsing.run(&version, hangs).await.map(drop) });
        tokio::task::yield_now().await;
        fs::write(home.path().join(".aws/config"), "[default]\nendpoint_url = http://two.example\n").unwrap();
        let meter = Meter::default();
        let named = tokio::time::timeout(Duration::from_secs(20), profiles.named(&meter)).await.unwrap();
        assert!(named.destinations.contains(&egress::destination("http://two.example").unwrap()));
        drop(go_on);
        under_way.await.unwrap().unwrap();
    }

    /// Asked for each by its name, the profiles of a file as large as may be would take some seconds.
    #[tokio::test]
    async fn a_file_with_thousands_of_profiles_is_read_in_one_pass() {
        let profiles: String = (0..20_000).map(|number| format!("[profile p{number}]\nregion = r\n")).collect();
        let (_home, config) = home(&(profiles + "[profile last]\nweb_identity_token_file = /run/last\n"));
        assert_eq!(of_lookup(&config).file("/run/last").await.as_deref(), Some("/run/last"));
    }
}
