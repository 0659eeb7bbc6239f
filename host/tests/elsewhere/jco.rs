//! The component as JavaScript, which jco makes of it, on Node: with jco's own WASI and the transport of Node.

use std::any::Any;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

use keyward_testbed::{ACCESS_KEY_ID, FakeAws, PASSWORD_MARK, SECRET_ACCESS_KEY};
use serde_json::{Value, json};

use crate::cases::failure;
use crate::host::{Answer, Credential, Failure, Host, PRIVATE, Question, UnderWay};

/// Node, for the tests.
#[derive(Default)]
pub(crate) struct Jco {
    /// What is in the environment of the process, which the component has no business with.
    environment: Vec<(&'static str, PathBuf)>,
    /// To whom requests may be sent; `None` for everybody.
    origins: Option<Vec<String>>,
}

impl Host for Jco {
    fn begin(&self, question: Question) -> Box<dyn UnderWay> {
        let mut process = Process::start(&self.environment);
        let pairs = |pairs: &[(String, String)]| -> Value {
            pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
        };
        let folders: Value =
            question.folders.iter().map(|(name, folder)| (name.clone(), Value::from(text(folder)))).collect();
        let mut line = json!({
            "request": { "server": question.server, "context": question.context },
            "env": pairs(&question.variables),
            "preopens": folders,
        });
        if let Some(origins) = &self.origins {
            line["origins"] = json!(origins);
        }
        process.write(&line.to_string());
        Box::new(process)
    }
}

/// `node ask.mjs`.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(environment: &[(&'static str, PathBuf)]) -> Self {
        let mut command = node();
        command.arg(folder().join("ask.mjs")).arg(&*TRANSPILED);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap_or_else(|error| missing(&error));
        let input = child.stdin.take().expect("it was asked for");
        let output = BufReader::new(child.stdout.take().expect("it was asked for"));
        Self { child, input, output }
    }

    fn write(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("node reads its lines as long as it runs");
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("node prints text");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("node has printed no answer, but {line:?}: {error}"))
    }
}

impl UnderWay for Process {
    fn answer(mut self: Box<Self>) -> Answer {
        let answer = self.read();
        let of = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        match (answer.get("ok"), answer.get("err")) {
            (Some(credential), None) => Ok(Credential {
                username: of(credential, "username"),
                secret: of(credential, "secret"),
                expires_at: credential["expiresAt"].as_u64(),
            }),
            (None, Some(error)) => Err(Failure { case: of(error, "tag"), text: of(error, "val") }),
            _ => panic!("the component has crashed: {answer}"),
        }
    }

    /// The worker is terminated. Its process goes on.
    fn abandon(mut self: Box<Self>) -> Box<dyn Any> {
        self.write("abandon");
        assert_eq!(self.read(), json!({ "ended": "Error: the lookup was abandoned" }));
        assert!(self.child.try_wait().expect("it is our child").is_none(), "the process has ended too");
        self
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Where a test has failed, it may wait for something.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What jco makes of the component as it is released, once for all tests.
static TRANSPILED: LazyLock<PathBuf> = LazyLock::new(|| {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("jco");
    // What an earlier build of the component has left there.
    if out.exists() {
        fs::remove_dir_all(&out).expect("it is ours");
    }
    fs::create_dir_all(&out).expect("the folder for temporary files is there");
    let component = out.join("keyward-ecr.wasm");
    fs::copy(env!("KEYWARD_COMPONENT"), &component).expect("the build script has written it");
    let mut jco = node();
    jco.arg(folder().join("node_modules/@bytecodealliance/jco/dist/jco.js")).arg("transpile").arg(&component);
    jco.args(["--instantiation", "async", "--no-typescript", "--quiet", "--out-dir"]).arg(&out);
    let output = jco.output().unwrap_or_else(|error| missing(&error));
    if !output.status.success() {
        missing(&String::from_utf8_lossy(&output.stderr));
    }
    fs::write(out.join("package.json"), r#"{ "type": "module" }"#).expect("the folder is there");
    out
});

/// The package that has jco, and the few lines of JavaScript that a program needs to use the component.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/jco")
}

/// Node, which inherits nothing but where programs are: that of the system, unless the script has found it too old.
fn node() -> Command {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/node/bin/node");
    let mut command = if own.exists() { Command::new(own) } else { Command::new("node") };
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
}

fn missing(error: &dyn std::fmt::Display) -> ! {
    panic!("jco does not run, or not on this Node; it takes Node 20 or later, and scripts/setup-jco: {error}")
}

#[test]
fn variables_of_the_process_are_not_seen() {
    let aws = FakeAws::start_plain();
    let environment = vec![
        ("AWS_ACCESS_KEY_ID", PathBuf::from(ACCESS_KEY_ID)),
        ("AWS_SECRET_ACCESS_KEY", PathBuf::from(SECRET_ACCESS_KEY)),
    ];
    let failure = failure(Jco { environment, ..Jco::default() }.ask(Question::new(PRIVATE, &aws)));
    assert_eq!(failure.case, "no-credentials", "{failure:?}");
    assert!(failure.text.contains("AWS_ACCESS_KEY_ID is not set"), "{}", failure.text);
}

#[test]
fn whom_node_trusts_is_trusted() {
    let aws = FakeAws::start();
    let question = Question::new(PRIVATE, &aws).with_keys().with_variable("AWS_MAX_ATTEMPTS", "1");
    let failure = failure(Jco::default().ask(question.clone()));
    assert_eq!(failure.case, "unavailable", "{failure:?}");
    aws.wait_until("the handshake has failed", |aws| aws.counters().handshakes_failed == 1);

    let environment = vec![("NODE_EXTRA_CA_CERTS", aws.authority().ca_file().to_path_buf())];
    let credential = Jco { environment, ..Jco::default() }.ask(question).expect("the authority is trusted now");
    assert!(credential.secret.contains(PASSWORD_MARK));
}

#[test]
fn requests_to_origins_that_were_not_allowed_are_refused() {
    let aws = FakeAws::start_plain();
    let question = Question::new(PRIVATE, &aws).with_keys();
    let allowing = |origin: &str| Jco { origins: Some(vec![origin.to_owned()]), ..Jco::default() };
    allowing(&aws.url()).ask(question.clone()).expect("AWS is allowed");

    let failure = failure(allowing("https://api.ecr.us-east-1.amazonaws.com").ask(question));
    assert_eq!(failure.case, "invalid", "{failure:?}");
    assert!(failure.text.contains("the sandbox does not allow this destination"), "{}", failure.text);
    assert_eq!(aws.requests().len(), 1);
}

/// Its `set-authority` takes a name or an address of IPv4 alone. Where this fails, docs/component.md has to say less.
#[test]
fn it_knows_no_addresses_of_ipv6() {
    let aws = FakeAws::start_plain();
    let question = Question::new(PRIVATE, &aws).with_keys().with_variable("AWS_MAX_ATTEMPTS", "1");
    let failure = failure(Jco::default().ask(question.with_variable("AWS_ENDPOINT_URL", "http://[::1]:8080")));
    assert_eq!(failure.case, "unavailable", "{failure:?}");
    assert!(failure.text.contains("the host refused the request's host"), "{}", failure.text);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have names in UTF-8")
}
