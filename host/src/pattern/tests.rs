use super::*;

const REGISTRY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

fn pattern(text: &str) -> Pattern {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Each is a case of `TestURLsMatch` or `TestDockerKeyringForGlob` of kubernetes, with other names.
#[test]
fn what_the_kubelet_matches_is_matched() {
    for (text, address) in [
        ("*.example.io", "team.example.io"),
        ("team.*.io", "team.example.io"),
        ("team.example.*", "team.example.io"),
        ("*-blue.example.io", "team-blue.example.io"),
        ("*.example.io/app", "team.example.io/app"),
        ("team.*.io/app", "team.example.io/app/web"),
        ("*.example.io:5000/app", "team.example.io:5000/app"),
        ("team.*.io:5000/app", "team.example.io:5000/app/web"),
        ("team.example.io", "team.example.io"),
        ("team.example.*/app:1.2", "team.example.io/app:1.2/more"),
        ("*.example.io:5000", "team.example.io:5000/app"),
    ] {
        assert_eq!(pattern(text).check(address), Ok(()), "{text} {address}");
    }
}

#[test]
fn what_the_kubelet_does_not_match_is_not_and_the_reason_is_said() {
    for (text, address, reason) in [
        ("*.example.io", "example.io", "the host of the pattern has 3 labels, and that of the address 2"),
        ("*.*.example.io", "team.example.io", "the host of the pattern has 4 labels, and that of the address 3"),
        ("*.*.example.io", "example.io", "the host of the pattern has 4 labels, and that of the address 2"),
        ("*.io", "team.example.io", "the host of the pattern has 2 labels, and that of the address 3"),
        ("example.io", "example.com", "'io' does not match 'com'"),
        ("e*.io", "quay.io", "'e*' does not match 'quay'"),
        ("team.example.c*", "team.example.io", "'c*' does not match 'io'"),
        ("*.example.io:5001/app", "team.example.io:5000/app", "the pattern has port 5001, and the address port 5000"),
        ("team.*.io/app", "team.example.io:5000/app/web", "the pattern has no port, and the address port 5000"),
        ("team.*.io:5000", "team.example.io", "the pattern has port 5000, and the address no port"),
        ("team.*.io/app:1.2", "team.example.io/app/web:1.2", "the path of the address does not begin with '/app:1.2'"),
        ("*.example.io/app/", "team.example.io/app", "the path of the address does not begin with '/app/'"),
    ] {
        let mismatch = pattern(text).check(address).expect_err(text);
        assert_eq!(mismatch.to_string(), reason, "{text} {address}");
    }
}

#[test]
fn the_patterns_that_eks_ships_match_the_registries_of_their_partitions_and_no_look_alike() {
    for (text, address) in [
        ("*.dkr.ecr.*.amazonaws.com", REGISTRY),
        ("*.dkr-ecr.*.on.aws", "123456789012.dkr-ecr.eu-west-1.on.aws"),
        ("*.dkr.ecr.*.amazonaws.com.cn", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"),
        ("*.dkr.ecr-fips.*.amazonaws.com", "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com"),
        ("*.dkr.ecr.*.c2s.ic.gov", "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov"),
        ("*.dkr.ecr.*.cloud.adc-e.uk", "123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk"),
        ("public.ecr.aws", "public.ecr.aws"),
    ] {
        assert!(pattern(text).matches(address), "{text} {address}");
        for look_alike in [format!("{address}.example.com"), format!("example.com/{address}"), format!("x.{address}")] {
            assert!(!pattern(text).matches(&look_alike), "{text} {look_alike}");
        }
    }
}

#[test]
fn an_address_is_taken_apart_as_a_registrys_address_is() {
    let pattern = pattern("*.DKR.ecr.us-east-1.amazonaws.com");
    for address in [
        REGISTRY.to_owned(),
        format!("https://{REGISTRY}"),
        format!("HTTPS://{REGISTRY}/v2/"),
        REGISTRY.to_ascii_uppercase(),
        format!("{REGISTRY}."),
        format!("{REGISTRY}/odd://path"),
        format!("{REGISTRY}?x"),
        format!("{REGISTRY}#://"),
    ] {
        assert!(pattern.matches(&address), "{address}");
    }
    for address in [
        String::new(),
        format!("http://{REGISTRY}"),
        format!("user@{REGISTRY}"),
        format!("user:password@{REGISTRY}"),
        format!("{REGISTRY}@example.com"),
        format!("{REGISTRY}:"),
        format!("{REGISTRY}:0"),
        format!("{REGISTRY}:+443"),
        format!(" {REGISTRY}"),
        format!("{REGISTRY}\n"),
        format!("{REGISTRY}.."),
        "*.dkr.ecr.us-east-1.amazonaws.com".to_owned(),
        ".dkr.ecr.us-east-1.amazonaws.com".to_owned(),
        "[::1]".to_owned(),
    ] {
        assert_eq!(pattern.check(&address), Err(Mismatch::Address), "{address:?}");
    }
}

#[test]
fn what_is_no_pattern_is_refused_with_its_reason() {
    for (text, error) in [
        ("", PatternError::Host),
        ("*..io", PatternError::Host),
        (".example.io", PatternError::Host),
        ("-x.example.io", PatternError::Host),
        ("example.io ", PatternError::Host),
        ("user@example.io", PatternError::Host),
        ("exa?ple.io", PatternError::Host),
        ("[a-z]*.io", PatternError::Host),
        ("exämple.io", PatternError::Host),
        ("https://example.io", PatternError::Scheme),
        ("example.io:*", PatternError::Port),
        ("example.io:", PatternError::Port),
        ("example.io:65536", PatternError::Port),
        ("example.io/team/*", PatternError::Path('*')),
        ("example.io/a b", PatternError::Path(' ')),
        ("example.io/x?y", PatternError::Path('?')),
    ] {
        assert_eq!(text.parse::<Pattern>(), Err(error), "{text:?}");
    }
}

#[test]
fn a_wildcard_stands_for_any_signs_of_one_label_also_for_none() {
    for (pattern, label, expected) in [
        ("*", "a", true),
        ("a*", "a", true),
        ("*a", "a", true),
        ("a*b*c", "abc", true),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "abcd", false),
        ("**", "a", true),
        ("*ab", "aab", true),
        ("*ab*ab", "abab", true),
        ("*ab*ab", "aab", false),
    ] {
        assert_eq!(glob(pattern, label), expected, "{pattern} {label}");
    }
    // To try every way would take longer than anybody waits.
    assert!(!glob(&format!("{}b", "*a".repeat(30)), &"a".repeat(63)));
}

#[test]
fn a_pattern_covers_what_it_matches_all_of() {
    for (this, other, expected) in [
        ("*.example.io", "*.example.io", true),
        ("*.example.io", "team.example.io", true),
        ("*.example.io", "a*b.example.io/app", true),
        ("a*.example.io", "ab*.example.io", true),
        ("*.EXAMPLE.io", "*.example.io", true),
        ("ab*.example.io", "a*.example.io", false),
        ("team.example.io", "*.example.io", false),
        ("*.example.io/app", "*.example.io", false),
        ("*.example.io", "*.example.io:5000", false),
        ("*.io", "*.example.io", false),
    ] {
        assert_eq!(pattern(this).covers(&pattern(other)), expected, "{this} {other}");
    }
}
