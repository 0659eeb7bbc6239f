use std::net::UdpSocket;

use tempfile::TempDir;

use super::*;

fn destination(host: &str) -> Destination {
    Destination { is_https: true, host: host.to_owned(), port: 443 }
}

/// A machine with these files, whose one name server takes questions and answers none.
struct Machine {
    folder: TempDir,
    names: NameResolver,
    silent: UdpSocket,
}

impl Machine {
    fn new(hosts: &str) -> Self {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        silent.set_nonblocking(true).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hosts"), hosts).unwrap();
        let sources = Sources {
            hosts: folder.path().join("hosts"),
            name_servers: vec![silent.local_addr().unwrap()],
            settings: folder.path().join("resolv.conf"),
        };
        let names = NameResolver { connect_to: BTreeMap::new(), sources, system: Mutex::default() };
        Self { folder, names, silent }
    }

    async fn addresses(&self, name: &str) -> Vec<String> {
        let resolved = self.names.resolve(&destination(name), true).await.unwrap();
        assert!(resolved.is_of_this_machine);
        resolved.addresses.iter().map(|address| address.ip().to_string()).collect()
    }

    fn was_asked(&self) -> bool {
        match self.silent.recv(&mut [0; 512]) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                false
            }
        }
    }
}

/// hickory would ask the name servers for the address family that the file does not have.
#[tokio::test]
async fn a_name_in_the_hosts_file_and_an_address_are_asked_of_nobody() {
    let machine = Machine::new("127.0.0.3 api.ecr.example\n::1 six.example\n");
    assert_eq!(machine.addresses("api.ecr.example").await, ["127.0.0.3"]);
    assert_eq!(machine.addresses("SIX.example").await, ["::1"]);
    assert_eq!(machine.addresses("192.0.2.1").await, ["192.0.2.1"]);
    assert_eq!(machine.addresses("fd00:ec2::254").await, ["fd00:ec2::254"]);
    assert!(!machine.was_asked());
}

#[tokio::test]
async fn a_hosts_file_that_changes_is_read_again() {
    let machine = Machine::new("127.0.0.3 api.ecr.example\n");
    assert_eq!(machine.addresses("api.ecr.example").await, ["127.0.0.3"]);
    let again = machine.names.system();
    assert!(Arc::ptr_eq(&again, &machine.names.system()), "it is read again without a change");
    // As editors and kubelets do it: another file takes its place.
    fs::write(machine.folder.path().join("new"), "127.0.0.4 api.ecr.example\n").unwrap();
    fs::rename(machine.folder.path().join("new"), machine.folder.path().join("hosts")).unwrap();
    assert_eq!(machine.addresses("api.ecr.example").await, ["127.0.0.4"]);
}

#[tokio::test]
async fn settings_that_change_are_read_again_and_unusable_ones_do_not_hide_the_hosts_file() {
    let mut machine = Machine::new("127.0.0.3 api.ecr.example\n");
    machine.names.sources.name_servers.clear();
    let settings = machine.folder.path().join("resolv.conf");
    assert!(matches!(machine.names.resolve(&destination("other.example"), true).await, Err(NameError::Settings(_))));
    assert_eq!(machine.addresses("api.ecr.example").await, ["127.0.0.3"]);
    fs::write(&settings, "nameserver 127.0.0.253\n").unwrap();
    assert!(machine.names.system().name_servers.is_ok());
}

/// Polls for a bounded time: tasks end some moments after what they belong to.
async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within ten seconds: {what}");
}

#[tokio::test]
async fn a_question_that_nobody_answers_is_dropped_with_the_last_lookup_that_asks_it() {
    let machine = Machine::new("");
    let system = machine.names.system();
    let (ecr, sts) = (destination("api.ecr.example"), destination("sts.example"));
    let count = || lock(&system.questions).values().filter(|(_, question)| question.upgrade().is_some()).count();
    {
        let mut waiting = Vec::new();
        for _ in 0..100 {
            let mut question = Box::pin(machine.names.resolve(&ecr, true));
            assert!(futures_util::poll!(&mut question).is_pending());
            waiting.push(question);
        }
        assert_eq!(count(), 1, "a hundred lookups have one question");
        let mut other = Box::pin(machine.names.resolve(&sts, true));
        assert!(futures_util::poll!(&mut other).is_pending());
        assert_eq!(count(), 2);
        waiting.truncate(1);
        assert_eq!(count(), 2, "the last one still asks");
        tokio::select! {
            answer = waiting.pop().unwrap() => panic!("{answer:?}"),
            () = until("a question has come", || machine.was_asked()) => {}
        }
    }
    assert_eq!(count(), 0);
    drop((system, machine));
    until("the tasks of the resolver are over", || Handle::current().metrics().num_alive_tasks() == 0).await;
}

/// Under a name server that is dead, lookups that come one after the other once kept one question alive, and all failed with it.
#[tokio::test(start_paused = true)]
async fn a_lookup_does_not_join_a_question_that_may_have_been_lost() {
    let machine = Machine::new("");
    let system = machine.names.system();
    let ecr = destination("api.ecr.example");
    let mut waiting = Vec::new();
    let mut asked = Vec::new();
    for _ in 0..3 {
        for _ in 0..2 {
            let mut question = Box::pin(machine.names.resolve(&ecr, true));
            assert!(futures_util::poll!(&mut question).is_pending());
            waiting.push(question);
            asked.push(lock(&system.questions)["api.ecr.example"].0);
        }
        tokio::time::advance(MAX_QUESTION_AGE).await;
    }
    assert!(asked[0] == asked[1] && asked[2] == asked[3] && asked[4] == asked[5], "{asked:?}");
    assert!(asked[1] < asked[2] && asked[3] < asked[4], "{asked:?}");
}
