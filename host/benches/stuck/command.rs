//! The command as a whole process, in every fault that hangs.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use keyward_testbed::stuck::{Servers, Spread, met, milliseconds};
use keyward_testbed::{ACCESS_KEY_ID, Fault, SECRET_ACCESS_KEY};

use crate::bed::HEALTHY;
use crate::figures::Table;

const DEADLINE: Duration = Duration::from_millis(500);

const RUNS: usize = 5;

/// After which a process that does not end by itself is ended.
const CUT: Duration = Duration::from_secs(10);

/// The credential helper that Debian has for the same registries.
const PEER: &str = "docker-credential-ecr-login";

pub(crate) fn report() {
    let mut table = Table::new(&["server", "wall, median", "past the deadline", "exit status", "reached"]);
    let (good, status) = runs("fake-aws");
    table.row(vec!["none is wrong".to_owned(), milliseconds(good), "-".to_owned(), status, "-".to_owned()]);
    for fault in Fault::ALL.into_iter().filter(|fault| fault.hangs()) {
        let (wall, status) = runs(fault.as_str());
        let past = wall.saturating_sub(DEADLINE);
        table.row(vec![fault.to_string(), milliseconds(wall), milliseconds(past), status, met(past <= good)]);
    }
    table.note(
        "goal: the deadline of 0.5 s and what a good lookup takes, from the first start of the process to its end",
    );
    table.note(&peer());
    table.print(&format!("6. keyward get, a process each (median of {RUNS})"));
}

/// How long it took, and how it ended.
fn runs(server: &str) -> (Duration, String) {
    let servers = Servers::start(&[server]);
    let (mut walls, mut statuses) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let mut command = command(Path::new(env!("CARGO_BIN_EXE_keyward")), &servers);
        command.args(["get", HEALTHY, "--deadline", &DEADLINE.as_secs_f64().to_string()]).stdin(Stdio::null());
        let begin = Instant::now();
        let ended = command.spawn().expect("cargo has built it").wait().expect("it is a child of this process");
        walls.push(begin.elapsed());
        statuses.push(ended.code().map_or_else(|| ended.to_string(), |code| code.to_string()));
    }
    statuses.dedup();
    (Spread::of(walls).median, statuses.join(", "))
}

/// With nothing of this machine's environment.
fn command(program: &Path, servers: &Servers) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("AWS_ENDPOINT_URL", format!("https://{}", servers.addresses[0]))
        .env("AWS_CA_BUNDLE", &servers.ca_file)
        .env("SSL_CERT_FILE", &servers.ca_file)
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// What the helper that is installed, if one is, does in silence.
fn peer() -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(program) = std::env::split_paths(&path).map(|folder| folder.join(PEER)).find(|file| file.is_file()) else {
        return format!("{PEER} in silence: NOT MEASURED: it is not on the PATH");
    };
    let servers = Servers::start(&["silence"]);
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut command = command(&program, &servers);
    command.arg("get").env("HOME", home.path()).stdin(Stdio::piped());
    let begin = Instant::now();
    let mut helper = command.spawn().expect("it is a program");
    let mut input = helper.stdin.take().expect("it is piped");
    input.write_all(HEALTHY.as_bytes()).expect("it reads");
    drop(input);
    match end(&mut helper, begin) {
        Some(status) => format!("{PEER} in silence: ended after {} with {status}", milliseconds(begin.elapsed())),
        None => format!("{PEER} in silence: had not ended after {} s, and was killed", CUT.as_secs()),
    }
}

fn end(helper: &mut Child, begin: Instant) -> Option<ExitStatus> {
    while begin.elapsed() < CUT {
        if let Some(status) = helper.try_wait().expect("it is a child of this process") {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    let _ = helper.kill();
    let _ = helper.wait();
    None
}
