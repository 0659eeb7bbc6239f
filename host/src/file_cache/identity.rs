//! The name of an entry: everything that decides a lookup's answer → one file name, of which nobody can tell any of it.
//!
//! It is known before anybody is asked for AWS's credentials, so that an entry can be read while nobody answers. It must therefore be
//! made of what these credentials come from: the variables, the content of the shared files, the machine. Some of that is secret, and
//! some can be guessed (there are few names of profiles, and an account's number has twelve digits): a plain hash of it would tell who
//! can list the folder, or has a backup of it, when a guess is right. That is why the hash has a key, which is as hard to read as the
//! entries themselves.
//!
//! Not in it is what changes while the identity stays the same: the content of files with tokens that are replaced all the time (those
//! of web identities and of containers, the sessions of `aws sso login`), of which the paths count; what the metadata service
//! answers; what a `credential_process` prints; and the proxies, which are a way and no identity. Such a program sees all variables of
//! this process, and any of them may tell it whose credentials to print: where one may be started, and the shared files speak of one,
//! they all count.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use keyward_ecr::registry::Registry;
use sha2::Sha256;
use zeroize::Zeroize;

use crate::capability::environment;
use crate::capability::files::{self, Files, MAX_FILE_BYTES};
use crate::config::Config;
use crate::engine;
use crate::file_cache::key::Key;
use crate::file_cache::machine;
use crate::request::Request;

/// Another one for every change of what is hashed or of how an entry is written.
const FORMAT: &str = "keyward file cache 1";

/// What the shared files name a program with.
const PROCESS_SETTING: &[u8] = b"credential_process";

/// The variables that shells change from one command to the next, and that are no identity.
const VARIABLES_OF_SHELLS: [&str; 4] = ["OLDPWD", "PWD", "SHLVL", "_"];

/// All that decides an answer besides the request.
#[derive(Clone)]
pub(crate) struct Identity(Fields);

impl Identity {
    /// Reads the shared files.
    pub(crate) fn new(key: &Key, config: &Config) -> Self {
        Self::in_process(key, config, env::vars_os())
    }

    /// As [`new`](Self::new), in a process that has these variables.
    fn in_process(key: &Key, config: &Config, of_process: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut fields = Fields(Hmac::new_from_slice(&**key).expect("every length is one of a key"));
        fields.text(FORMAT);
        component(config, &mut fields);
        let variables = environment::variables(config);
        fields.count(variables.len());
        for (name, value) in &variables {
            fields.text(name);
            fields.text(value.expose());
        }
        // Their paths too: two files may have the same content, and only one of them may change.
        let files = Files::new(config);
        let mut has_program = false;
        fields.count(files.shared().len());
        for path in files.shared() {
            fields.text(path);
            let content = files::read(Path::new(path), MAX_FILE_BYTES).ok();
            has_program |= content.as_deref().is_some_and(names_program);
            fields.optional(content.as_deref());
        }
        for name in machine::names() {
            fields.optional(name.as_deref());
        }
        fields.flag(config.credential_process);
        let is_shell = |name: &OsString| VARIABLES_OF_SHELLS.iter().any(|variable| name == variable);
        let may_start = config.credential_process && has_program;
        let mut seen: Vec<_> = of_process.filter(|(name, _)| may_start && !is_shell(name)).collect();
        seen.sort_unstable();
        fields.count(seen.len());
        for (name, value) in &seen {
            fields.bytes(name.as_encoded_bytes());
            fields.bytes(value.as_encoded_bytes());
        }
        fields.count(config.allowed.len());
        config.allowed.iter().for_each(|destination| fields.text(destination));
        fields.count(config.connect_to.len());
        for (host, address) in &config.connect_to {
            fields.text(host);
            fields.text(&address.to_string());
        }
        Self(fields)
    }

    /// The name of the entry of a request: 64 hexadecimal digits.
    pub(crate) fn name(&self, request: &Request) -> String {
        let Self(mut fields) = self.clone();
        fields.text(&registry(request));
        // Whether its steps are told decides nothing.
        let context = Request { explain: false, ..request.clone() }.context();
        fields.count(context.len());
        for (name, mut value) in context {
            fields.text(&name);
            fields.text(&value);
            // It may be a token.
            value.zeroize();
        }
        fields.finish()
    }
}

/// The registry's one spelling.
pub(crate) fn registry(request: &Request) -> String {
    Registry::parse(&request.registry).map_or_else(|_| request.registry.clone(), |registry| registry.host)
}

fn names_program(content: &[u8]) -> bool {
    content.windows(PROCESS_SETTING.len()).any(|window| window == PROCESS_SETTING)
}

/// Which component answers.
fn component(config: &Config, fields: &mut Fields) {
    #[cfg(feature = "compile")]
    if let Some(file) = &config.component {
        // One that cannot be read makes no resolver either.
        return fields.optional(std::fs::read(file).ok().as_deref());
    }
    let _ = config;
    fields.optional(None);
    fields.text(env!("CARGO_PKG_VERSION"));
    fields.count(engine::built_in_bytes());
}

/// Fields under a keyed hash. Each begins with its length, and each list with its own, so that no two lists of fields are the same bytes.
#[derive(Clone)]
struct Fields(Hmac<Sha256>);

impl Fields {
    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        self.flag(bytes.is_some());
        self.bytes(bytes.unwrap_or_default());
    }

    fn count(&mut self, count: usize) {
        self.0.update(&(count as u64).to_le_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.0.update(&[flag.into()]);
    }

    fn finish(self) -> String {
        self.0.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use keyward_ecr::secret::Secret;

    use super::*;

    const REGISTRY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

    fn name(config: &Config, request: &Request) -> String {
        Identity::new(&Key::new([7; 32]), config).name(request)
    }

    #[test]
    fn whatever_decides_the_answer_is_in_the_name() {
        let config = || Config::new().with_variable("AWS_ACCESS_KEY_ID", "id").with_variable("AWS_REGION", "r");
        let request = || Request::new(REGISTRY).with_profile("p");
        let mut names = vec![
            name(&config(), &request()),
            Identity::new(&Key::new([8; 32]), &config()).name(&request()),
            name(&config(), &"210987654321.dkr.ecr.us-east-1.amazonaws.com".into()),
            name(&config(), &Request::new(REGISTRY)),
            name(&config(), &Request::new(REGISTRY).with_profile("q")),
            name(&config(), &request().with_role_arn("a")),
            name(&config(), &request().with_role_arn("a").with_external_id("e")),
            name(&config(), &request().with_role_arn("a").with_session_name("e")),
            name(&config(), &request().with_region("r")),
            name(&config(), &request().with_endpoint("https://ecr.example")),
            name(&config(), &request().with_service_account_token(Secret::new("t".to_owned()))),
            name(&config().with_credential_process(true), &request()),
            name(&config().with_allowed("https://ecr.example"), &request()),
            name(&config().with_connect_to("ecr.example", ([127, 0, 0, 1], 1).into()), &request()),
            // The same letters, in other variables, or in another place.
            name(&config().with_variable("AWS_REGION", "").with_variable("AWS_PROFILE", "r"), &request()),
            name(&config().with_variable("AWS_ACCESS_KEY_ID", "i").with_variable("AWS_REGION", "dr"), &request()),
        ];
        for variable in
            ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_WEB_IDENTITY_TOKEN_FILE", "HOME"]
        {
            names.push(name(&config().with_variable(variable, "/x"), &request()));
        }
        let all = names.len();
        assert!(names.iter().all(|name| name.len() == 64));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn what_decides_nothing_is_not_in_the_name() {
        let config = Config::new();
        let first = name(&config, &Request::new(REGISTRY));
        for address in [format!("https://{REGISTRY}/v2/"), format!("{REGISTRY}:443/image:tag"), REGISTRY.to_uppercase()]
        {
            assert_eq!(name(&config, &Request::new(&address)), first, "{address}");
        }
        let other = config.with_variable("HTTPS_PROXY", "http://proxy").with_sso_cache_writes(true);
        assert_eq!(name(&other, &Request::new(REGISTRY)), first);
    }

    #[test]
    fn the_content_of_the_shared_files_is_in_the_name_and_that_of_a_file_with_a_token_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let config = Config::new()
            .with_variable("AWS_CONFIG_FILE", &path("config"))
            .with_variable("AWS_SHARED_CREDENTIALS_FILE", &path("credentials"))
            .with_variable("AWS_WEB_IDENTITY_TOKEN_FILE", &path("token"));
        let mut names = Vec::new();
        let mut after = |file: &str, content: &str| {
            fs::write(path(file), content).unwrap();
            names.push(name(&config, &Request::new(REGISTRY)));
        };
        after("token", "one");
        // Empty is not absent.
        after("config", "");
        after("config", "[default]");
        after("credentials", "[default]");
        after("credentials", "[default]\naws_access_key_id = other");
        let last = names.last().cloned();
        fs::write(path("token"), "two").unwrap();
        assert_eq!(Some(name(&config, &Request::new(REGISTRY))), last);
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn where_a_program_may_be_started_all_variables_that_it_sees_are_in_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let config = Config::new().with_variable("AWS_CONFIG_FILE", file.to_str().unwrap());
        let name = |config: &Config, variables: &[(&str, &str)]| {
            let of_process = variables.iter().map(|(name, value)| (name.into(), value.into()));
            Identity::in_process(&Key::new([7; 32]), config, of_process).name(&Request::new(REGISTRY))
        };
        let allowed = config.clone().with_credential_process(true);
        let (one, two) = ([("VAULT", "one"), ("PWD", "/"), ("_", "a")], [("VAULT", "two"), ("PWD", "/"), ("_", "a")]);
        fs::write(&file, "[default]\nregion = us-east-1").unwrap();
        assert_eq!(name(&allowed, &one), name(&allowed, &two), "there is no program");
        fs::write(&file, "[default]\ncredential_process = program").unwrap();
        assert_eq!(name(&config, &one), name(&config, &two), "it may not be started");
        assert_ne!(name(&allowed, &one), name(&allowed, &two));
        // Their order is nobody's choice, and of what shells change, no program prints other credentials.
        let moved = [("SHLVL", "2"), ("PWD", "/tmp"), ("OLDPWD", "/"), ("VAULT", "one"), ("_", "b")];
        assert_eq!(name(&allowed, &one), name(&allowed, &moved));
    }
}
