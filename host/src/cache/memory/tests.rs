use super::*;
use crate::request::Request;
use keyward_ecr::secret::Secret;

const NOON: u64 = 1_700_000_000;
const HOUR: u64 = 3600;

/// Both clocks, which go side by side unless a test moves one of them.
#[derive(Clone, Copy)]
struct Clocks {
    begin: Instant,
    steady: u64,
    wall: u64,
}

impl Clocks {
    fn new() -> Self {
        Self { begin: Instant::now(), steady: 0, wall: NOON }
    }

    fn after(self, seconds: u64) -> Self {
        Self { steady: self.steady + seconds, wall: self.wall + seconds, ..self }
    }

    fn now(self) -> Moment {
        Moment { wall: self.wall, steady: self.begin + Duration::from_secs(self.steady) }
    }
}

fn memory() -> Memory {
    Memory::new(10, Duration::from_secs(3))
}

fn key(registry: &str) -> Key {
    Key::new(&Request::new(registry), registry.to_owned())
}

fn credential(password: &str, expires_at: u64) -> Credential {
    Credential::new("AWS", password.to_owned(), Some(expires_at))
}

fn no_credentials() -> Result<Credential, Error> {
    Err(Error::NoCredentials("none".to_owned()))
}

/// A token of twelve hours, found at noon.
fn with_token(clocks: Clocks) -> Memory {
    let mut memory = memory();
    memory.remember(&key("r"), clocks.now(), clocks.now(), &Ok(credential("p", NOON + 12 * HOUR)));
    memory
}

/// What is known of `r`, in one letter.
fn recalled(memory: &mut Memory, clocks: Clocks) -> char {
    match memory.recall(&key("r"), clocks.now()) {
        Some(Recalled::Fresh(_)) => 'f',
        Some(Recalled::Nothing(_)) => 'n',
        Some(Recalled::Stale(_)) => 's',
        None => '-',
    }
}

#[test]
fn a_credential_is_known_until_a_minute_before_its_end_and_then_never_again() {
    let noon = Clocks::new();
    let mut memory = with_token(noon);
    for (seconds, expected) in
        [(0, 'f'), (6 * HOUR - 1, 'f'), (7 * HOUR, 's'), (12 * HOUR - 61, 's'), (12 * HOUR - 60, '-'), (0, '-')]
    {
        assert_eq!(recalled(&mut memory, noon.after(seconds)), expected, "{seconds}");
    }
}

#[test]
fn whatever_is_done_to_the_clock_on_the_wall_nothing_is_known_for_longer_than_it_lives() {
    let noon = Clocks::new();
    let a_day_back = Clocks { wall: NOON - 24 * HOUR, ..noon };
    assert_eq!(recalled(&mut with_token(noon), a_day_back.after(HOUR)), 'f');
    assert_eq!(recalled(&mut with_token(noon), a_day_back.after(7 * HOUR)), 's');
    assert_eq!(recalled(&mut with_token(noon), a_day_back.after(12 * HOUR)), '-');
    // Set forward; or the machine slept, which the other clock does not know of.
    assert_eq!(recalled(&mut with_token(noon), Clocks { wall: NOON + 13 * HOUR, ..noon }), '-');
}

#[test]
fn where_the_clock_on_the_wall_is_slow_a_token_is_known_for_twelve_hours_all_the_same() {
    let slow = Clocks { wall: NOON - 24 * HOUR, ..Clocks::new() };
    let mut memory = with_token(slow);
    assert_eq!(recalled(&mut memory, slow.after(12 * HOUR - 61)), 's');
    assert_eq!(recalled(&mut memory, slow.after(12 * HOUR - 60)), '-');
}

#[test]
fn a_credential_without_an_end_and_one_that_is_over_already_are_not_remembered() {
    let (noon, mut memory) = (Clocks::new(), memory());
    for expires_at in [None, Some(NOON), Some(NOON - 1), Some(0)] {
        let found = Credential::new("AWS", "p".to_owned(), expires_at);
        memory.remember(&key("r"), noon.now(), noon.now(), &Ok(found));
        assert!(memory.entries.is_empty(), "{expires_at:?}");
    }
}

#[test]
fn that_there_are_no_credentials_is_known_for_some_seconds_and_no_other_failure_for_any() {
    let (noon, mut memory) = (Clocks::new(), memory());
    memory.remember(&key("r"), noon.now(), noon.after(5).now(), &no_credentials());
    assert_eq!(recalled(&mut memory, noon.after(7)), 'n', "it counts from the end of the lookup");
    assert_eq!(recalled(&mut memory, noon.after(8)), '-');
    let text = String::new;
    for error in [
        Error::Cancelled { waiting_for: None },
        Error::Denied(text()),
        Error::Internal(text()),
        Error::Invalid(text()),
        Error::NotOurRegistry,
        Error::Other(text()),
        Error::Overloaded { live: 1, of_this_registry: true },
        Error::Throttled(text()),
        Error::Timeout { deadline: Duration::ZERO, waiting_for: None },
        Error::Unavailable(text()),
    ] {
        memory.remember(&key("r"), noon.now(), noon.now(), &Err(error));
        assert!(memory.entries.is_empty());
    }
}

#[test]
fn how_long_it_is_known_that_there_are_no_credentials_can_be_never_and_for_ever() {
    let noon = Clocks::new();
    for (ttl, expected) in [(Duration::ZERO, '-'), (Duration::MAX, 'n')] {
        let mut memory = Memory::new(10, ttl);
        memory.remember(&key("r"), noon.now(), noon.now(), &no_credentials());
        assert_eq!(recalled(&mut memory, noon), expected);
    }
}

#[test]
fn a_credential_that_is_not_over_is_not_replaced_by_no_credentials() {
    let noon = Clocks::new();
    let mut memory = with_token(noon);
    let later = noon.after(7 * HOUR);
    memory.remember(&key("r"), later.now(), later.now(), &no_credentials());
    assert_eq!(recalled(&mut memory, later), 's');
    let over = noon.after(12 * HOUR);
    memory.remember(&key("r"), over.now(), over.now(), &no_credentials());
    assert_eq!(recalled(&mut memory, over), 'n');
}

#[test]
fn one_at_a_time_refreshes_and_the_next_one_a_minute_later() {
    let noon = Clocks::new();
    let mut memory = with_token(noon);
    let at = |seconds| noon.after(7 * HOUR + seconds).now();
    let first = memory.begin_refresh(&key("r"), at(0)).unwrap();
    assert!(memory.begin_refresh(&key("r"), at(0)).is_none());
    assert!(memory.begin_refresh(&key("r"), at(119)).is_none(), "it is under way");
    drop(first);
    assert!(memory.begin_refresh(&key("r"), at(59)).is_none());
    assert!(memory.begin_refresh(&key("r"), at(60)).is_some());
    assert!(memory.begin_refresh(&key("unknown"), at(0)).is_none());
}

#[test]
fn a_refresh_that_never_ends_holds_up_the_next_one_for_no_longer_than_it_may_take() {
    let noon = Clocks::new();
    let mut memory = with_token(noon);
    let at = |seconds| noon.after(7 * HOUR + seconds).now();
    let _stuck = memory.begin_refresh(&key("r"), at(0)).unwrap();
    assert!(memory.begin_refresh(&key("r"), at(119)).is_none());
    let _stuck_too = memory.begin_refresh(&key("r"), at(120)).unwrap();
    assert!(memory.begin_refresh(&key("r"), at(239)).is_none());
}

#[test]
fn past_its_capacity_it_forgets_what_is_over_and_then_what_was_not_asked_for_for_the_longest_time() {
    let noon = Clocks::new();
    let mut memory = Memory::new(2, Duration::from_secs(3));
    let remember = |memory: &mut Memory, registry: &str, life: u64, clocks: Clocks| {
        memory.remember(&key(registry), clocks.now(), clocks.now(), &Ok(credential("p", clocks.wall + life)));
        assert!(memory.entries.len() <= 2);
    };
    let is_known = |memory: &Memory, registry: &str| memory.entries.contains_key(&key(registry));

    remember(&mut memory, "old", 12 * HOUR, noon);
    remember(&mut memory, "short", HOUR, noon);
    remember(&mut memory, "third", 12 * HOUR, noon.after(2 * HOUR));
    assert!(is_known(&memory, "old") && !is_known(&memory, "short"), "that one was over");
    assert!(memory.recall(&key("old"), noon.after(2 * HOUR).now()).is_some());
    remember(&mut memory, "fourth", 12 * HOUR, noon.after(2 * HOUR));
    assert!(is_known(&memory, "old") && is_known(&memory, "fourth"));
}

#[test]
fn with_a_capacity_of_nothing_nothing_is_remembered() {
    let (noon, mut memory) = (Clocks::new(), Memory::new(0, Duration::from_secs(3)));
    memory.remember(&key("r"), noon.now(), noon.now(), &Ok(credential("p", NOON + 12 * HOUR)));
    memory.remember(&key("r"), noon.now(), noon.now(), &no_credentials());
    assert!(memory.entries.is_empty());
}

#[test]
fn a_registry_is_forgotten_for_every_identity_and_no_other_is() {
    let (noon, mut memory) = (Clocks::new(), memory());
    let with_profile = Key::new(&Request::new("r").with_profile("p"), "r".to_owned());
    for key in [key("r"), with_profile, key("other")] {
        memory.remember(&key, noon.now(), noon.now(), &Ok(credential("p", NOON + 12 * HOUR)));
    }
    assert_eq!(memory.entries.len(), 3);
    memory.forget("r");
    assert_eq!(memory.entries.keys().map(Key::registry).collect::<Vec<_>>(), ["other"]);
}

#[test]
fn everything_that_a_question_says_is_in_its_key_and_no_token_can_be_seen_in_it() {
    let question = || Request::new("r");
    let questions = [
        question(),
        question().with_endpoint("x"),
        question().with_external_id("x"),
        question().with_profile("x"),
        question().with_profile("y"),
        question().with_region("x"),
        question().with_role_arn("x"),
        question().with_service_account_token(Secret::new("hunter2".to_owned())),
        question().with_service_account_token(Secret::new("hunter3".to_owned())),
        question().with_session_name("x"),
    ];
    let keys: std::collections::HashSet<Key> =
        questions.iter().chain(&questions).map(|question| Key::new(question, "r".to_owned())).collect();
    assert_eq!(keys.len(), questions.len());
    assert!(!format!("{keys:?}").contains("hunter"));
    assert!(keys.contains(&Key::new(&question().with_explanation(), "r".to_owned())), "it does not decide the answer");
}
