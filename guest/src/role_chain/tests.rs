use super::*;
use crate::profile::FileKind;

fn chain(config: &str) -> Result<RoleChain, RoleChainError> {
    let mut profiles = Profiles::default();
    profiles.add(FileKind::Config, config).unwrap();
    RoleChain::of(&profiles, "default")
}

fn message(config: &str) -> String {
    chain(config).unwrap_err().to_string()
}

#[test]
fn what_is_not_configured_passes_on_and_what_is_half_configured_does_not() {
    for config in ["", "[profile other]\n", "[default]\nregion = r\n", "[default]\nrole_arn =\n"] {
        assert!(chain(config).unwrap_err().is_not_configured(), "{config}");
    }
    for config in [
        "[default]\naws_access_key_id = id\n",
        "[default]\naws_session_token = token\n",
        "[default]\nrole_arn = r\nsource_profile = missing\n",
        "[default]\nrole_arn = r\nsource_profile = empty\n[profile empty]\n",
        "[default]\nrole_arn = r\nsource_profile = default\n",
        "[default]\nrole_arn = r\n",
    ] {
        assert!(!chain(config).unwrap_err().is_not_configured(), "{config}");
    }
}

#[test]
fn a_profile_that_leads_back_to_itself_is_told_with_the_way_that_it_takes() {
    assert_eq!(
        message(
            "[default]\nrole_arn = r\nsource_profile = a\n[profile a]\nrole_arn = r\nsource_profile = b\n\
             [profile b]\nrole_arn = r\nsource_profile = a\n"
        ),
        "the profiles default -> a -> b -> a lead in a circle: end it with a profile that has credentials"
    );
}

/// Each profile on the way takes a look at the whole file, and the host takes it where nobody counts fuel.
#[test]
fn a_way_of_more_profiles_than_anybody_has_is_an_error() {
    let way = |length: usize| {
        let links = (1..length).map(|index| {
            let name = if index == 1 { "default".to_owned() } else { format!("profile p{index}") };
            format!("[{name}]\nrole_arn = r\nsource_profile = p{}\n", index + 1)
        });
        let keys = format!("[profile p{length}]\naws_access_key_id = i\naws_secret_access_key = s\n");
        chain(&(links.collect::<String>() + &keys))
    };
    assert_eq!(way(MAX_PROFILES).unwrap().roles.len(), MAX_PROFILES - 1);
    assert!(matches!(way(MAX_PROFILES + 1), Err(RoleChainError::TooLong { .. })));
}

#[test]
fn a_missing_source_names_the_profile_that_wants_it() {
    assert_eq!(
        message("[default]\nrole_arn = r\nsource_profile = work\n"),
        "profile work does not exist, and profile default names it as its source: correct one of them"
    );
}

#[test]
fn a_duration_is_a_number_of_seconds_that_sts_takes() {
    let with = |duration: &str| {
        chain(&format!(
            "[default]\nrole_arn = r\nsource_profile = k\nduration_seconds = {duration}\n\
             [profile k]\naws_access_key_id = i\naws_secret_access_key = s\n"
        ))
    };
    assert_eq!(with("3600").unwrap().roles[0].duration_seconds, Some(3600));
    for wrong in ["899", "43201", "1h", "-1", "3600.0"] {
        assert!(matches!(with(wrong), Err(RoleChainError::Duration { .. })), "{wrong}");
    }
}

#[test]
fn the_kinds_of_a_base_come_in_the_order_of_the_sdk() {
    let properties = [
        "credential_source = environment",
        "web_identity_token_file = f\nrole_arn = r",
        "sso_region = r\nsso_start_url = u",
        "login_session = l",
        "credential_process = p",
        "aws_access_key_id = i\naws_secret_access_key = s",
    ];
    for (index, first) in properties.iter().enumerate() {
        let all = properties[index..].join("\n");
        // A role needs a source, and the token file would be one.
        let all = if index == 0 { all.replace("role_arn = r", "") } else { all };
        let base = chain(&format!("[default]\n{all}\n")).unwrap().base;
        let is_first = match base {
            Base::Source(NamedSource::Environment) => index == 0,
            Base::WebIdentity { .. } => index == 1,
            Base::Sso(_) => index == 2,
            Base::Login { .. } => index == 3,
            Base::Process { .. } => index == 4,
            Base::StaticKeys(_) => index == 5,
            Base::Source(_) => false,
        };
        assert!(is_first, "{first}");
    }
}
