use std::collections::BTreeMap;

use super::*;

fn parse(text: &str) -> Result<File, String> {
    File::parse(Path::new("k.toml"), "--config names", text).map_err(|error| error.to_string())
}

fn search(flag: Option<&Path>, variables: &[(&str, &str)]) -> Result<Found, String> {
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    let environment = |name: &str| variables.get(name).map(OsString::from);
    // Nobody waits that long: what is read here is there at once.
    Found::search(flag, &environment, Duration::from_secs(60)).map_err(|error| error.to_string())
}

#[test]
fn what_makes_no_sense_is_refused_with_its_line_and_column() {
    for (text, error) in [
        ("[budget]\ndeadlin = 1\n", "k.toml:2:1: unknown field `deadlin`, expected one of `deadline`, `fuel`"),
        ("\n[bugdet]\n", "k.toml:2:2: unknown field `bugdet`, expected one of `budget`, `cache`"),
        (
            "[[registry]]\nmatch = 'a.example'\nregoin = 'r'\n",
            "k.toml:3:1: unknown field `regoin`, expected one of `match`",
        ),
        ("[budget]\ndeadline = 0\n", "k.toml:2:12: this is '0' (not a time that a lookup can take): set it to seconds"),
        ("[budget]\ndeadline = '5s'\n", "k.toml:2:12: invalid type: string \"5s\", expected f64"),
        ("[budget]\nfuel = -1\n", "k.toml:2:8: invalid value: integer `-1`, expected u64"),
        ("[budget]\nfuel = 0\n", "k.toml:2:8: this is '0' (nothing at all): set it to a whole number above 0"),
        ("[cache]\nmode = 'memory'\n", "k.toml:2:8: this is 'memory': set it to file or off"),
        (
            "[cache]\ndir = 'x/y'\n",
            "k.toml:2:7: this is 'x/y' (a relative path): set it to an absolute path, or one that begins",
        ),
        ("[docker]\nstore = 'keep'\n", "k.toml:2:9: this is 'keep': set it to ignore or refuse"),
        ("[[registry]]\nprofile = 'p'\n", "k.toml:1:1: missing field `match`"),
        (
            "[[registry]]\nmatch = []\n",
            "k.toml:2:9: this is empty: set it to a pattern, as in *.dkr.ecr.*.amazonaws.com",
        ),
        (
            "[[registry]]\nmatch = 'a b'\n",
            "k.toml:2:9: this is 'a b' (not a pattern: its host is not a name, with or without",
        ),
        ("[[registry]]\nmatch = ['a.example', 7]\n", "k.toml:2:23: invalid type: integer `7`, expected a string"),
        (
            "[[registry]]\nmatch = 'a.example'\nprofile = ''\n",
            "k.toml:3:11: this is '': set it to a text that is not empty",
        ),
        (
            "[[registry]]\nmatch = 'a.example'\nalias = 'docker.io'\n",
            "k.toml:3:9: this is 'docker.io' (not a registry of Amazon",
        ),
        (
            "[[registry]]\nmatch = 'a.example'\nendpoint = 'ecr.example'\n",
            "k.toml:3:12: this is not a usable URL (it has no scheme)",
        ),
        ("[budget\n", "k.toml:1:8: unclosed table"),
        ("deadline = 1\n", "k.toml:1:1: unknown field `deadline`"),
        ("[budget]\nfuel = 1\nfuel = 2\n", "k.toml:3:1: duplicate key"),
    ] {
        let said = parse(text).unwrap_err();
        assert!(said.starts_with(error), "{text}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn one_file_counts_and_nothing_is_merged() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let usual = write("config/keyward/keyward.toml", "[budget]\nfuel = 1\n");
    let below_home = write(".config/keyward/keyward.toml", "");
    let named = write("named.toml", "[budget]\nmemory = 2\n");
    let typed = write("typed.toml", "");
    let (home, config) = (home.path().to_str().unwrap(), home.path().join("config"));
    let variables =
        [("HOME", home), ("XDG_CONFIG_HOME", config.to_str().unwrap()), ("KEYWARD_CONFIG", named.to_str().unwrap())];
    let path = |flag: Option<&Path>, variables: &[(&str, &str)]| {
        search(flag, variables).unwrap().file().map(|file| file.path.clone())
    };
    assert_eq!(path(Some(&typed), &variables), Some(typed.clone()));
    assert_eq!(path(None, &variables), Some(named.clone()));
    assert_eq!(path(None, &variables[..2]), Some(usual));
    assert_eq!(path(None, &variables[..1]), Some(below_home.clone()));
    assert_eq!(path(None, &[variables[0], ("KEYWARD_CONFIG", ""), ("XDG_CONFIG_HOME", "relative")]), Some(below_home));
    let file = search(None, &variables).unwrap();
    assert!(file.file().unwrap().document.budget.fuel.is_none(), "nothing of the other file counts");
}

#[test]
fn off_is_no_file_wherever_it_is_said() {
    assert!(matches!(search(Some(Path::new("off")), &[("KEYWARD_CONFIG", "/x")]), Ok(Found::Off("--config"))));
    assert!(matches!(search(None, &[("KEYWARD_CONFIG", "off")]), Ok(Found::Off("KEYWARD_CONFIG"))));
}

#[test]
fn a_file_may_be_at_two_places_where_nobody_has_named_one() {
    let places = |variables: &[(&str, &str)]| {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        usual_places(&|name| variables.get(name).map(OsString::from))
    };
    let system = Path::new("/etc/keyward/keyward.toml");
    assert_eq!(places(&[]), [system]);
    assert_eq!(places(&[("HOME", "/h")]), [Path::new("/h/.config/keyward/keyward.toml"), system]);
    assert_eq!(places(&[("XDG_CONFIG_HOME", "/x")]), [Path::new("/x/keyward/keyward.toml"), system]);
}

#[test]
fn a_file_that_was_named_has_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    let said = search(Some(&missing), &[]).unwrap_err();
    assert!(said.starts_with(&format!("{}, which --config names, cannot be read (", missing.display())), "{said}");
    let said = search(None, &[("KEYWARD_CONFIG", folder.path().to_str().unwrap())]).unwrap_err();
    assert!(said.contains("which KEYWARD_CONFIG names, cannot be read"), "{said}");
    let large = folder.path().join("large.toml");
    fs::write(&large, "#".repeat(1024 * 1024)).unwrap();
    search(Some(&large), &[]).unwrap();
    fs::write(&large, "#".repeat(1024 * 1024 + 1)).unwrap();
    let said = search(Some(&large), &[]).unwrap_err();
    assert!(
        said.ends_with("is longer than 1048576 bytes: set --config or KEYWARD_CONFIG to a configuration file"),
        "{said}"
    );
    fs::write(&large, [b'#', 0xff]).unwrap();
    assert!(search(Some(&large), &[]).unwrap_err().contains("it is not UTF-8"));
}
