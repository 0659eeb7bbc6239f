//! The clients against a real registry, with the tokens of a fake AWS.

mod bed;
mod example;

use std::time::Duration;

use keyward::{Budget, CancelToken, Keychain};
use keyward_oci_client::oci_client::client::ClientConfig;
use keyward_oci_client::oci_client::secrets::RegistryAuth;
use keyward_oci_client::oci_client::token_cache::RegistryTokenType;
use keyward_oci_client::{Access, Clients, Error, is_refusal};
use keyward_testbed::{Answer, Gate, PASSWORD_MARK, SECRET_ACCESS_KEY};
use tokio::task::JoinSet;

use bed::{Bed, LAYER, OTHER_REGION, REGION, api, auth, image, pull};

#[tokio::test]
async fn a_manifest_and_a_layer_are_pulled_with_the_credential_that_aws_gave() {
    let bed = Bed::start().await;
    let refused = pull(&bed.bare_client(), &RegistryAuth::Anonymous).await.unwrap_err();
    assert!(is_refusal(&refused), "the registry wants no credential: {refused}");

    let access = bed.clients().of(&image(REGION)).await.unwrap();
    // The layer first, since this method is given no credential.
    let mut layer = Vec::new();
    let digest = format!("sha256:{}", sha256_of_the_layer());
    access.client.pull_blob(&image(REGION), digest.as_str(), &mut layer).await.unwrap();
    assert_eq!(layer, LAYER);
    let manifest = pull(&access.client, &access.auth).await.unwrap();
    assert_eq!(manifest.layers[0].digest, digest);
    assert_eq!(access.anonymous_because, None);
    assert_eq!(bed.aws.counters().tokens, 1);
}

/// The reason for this crate.
#[tokio::test]
async fn a_client_of_oci_client_keeps_its_first_credential_whatever_it_is_given_afterwards_and_so_do_its_clones() {
    let bed = Bed::start().await;
    let client = bed.bare_client();
    pull(&client, &auth("")).await.unwrap();
    bed.change_password("/second");
    for client in [client.clone(), client] {
        let error = pull(&client, &auth("/second")).await.unwrap_err();
        assert!(is_refusal(&error), "{error}");
    }
    pull(&bed.bare_client(), &auth("/second")).await.unwrap();
}

#[tokio::test]
async fn once_a_credential_is_over_there_is_a_client_with_the_next_one() {
    let bed = Bed::start().await;
    let clients = bed.clients();
    let old = clients.of(&image(REGION)).await.unwrap();
    pull(&old.client, &old.auth).await.unwrap();
    bed.change_password("/second");
    time_passes(Duration::from_secs(12 * 60 * 60)).await;

    let new = clients.of(&image(REGION)).await.unwrap();
    assert!(new.auth == auth("/second"));
    pull(&new.client, &new.auth).await.unwrap();
    assert!(is_refusal(&pull(&old.client, &new.auth).await.unwrap_err()));
}

/// As it goes every day: nobody waits, and nobody is refused.
#[tokio::test]
async fn in_the_second_half_of_its_life_a_credential_is_replaced_beside_the_pulls_and_the_client_with_it() {
    let bed = Bed::start().await;
    let clients = bed.clients();
    clients.of(&image(REGION)).await.unwrap();
    bed.aws.set_password_suffix("/second");
    time_passes(Duration::from_secs(8 * 60 * 60)).await;
    assert!(clients.of(&image(REGION)).await.unwrap().auth == auth(""), "somebody has waited");
    bed.aws.wait_until_async("it is replaced", |aws| aws.counters().tokens == 2).await;
    // AWS has answered; the task that has asked it goes on in a moment.
    let mut looks = 0;
    while clients.of(&image(REGION)).await.unwrap().auth == auth("") {
        looks += 1;
        assert!(looks < 4_000, "it is never replaced");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bed.change_password("/second");
    let access = clients.of(&image(REGION)).await.unwrap();
    pull(&access.client, &access.auth).await.unwrap();
    assert_eq!(bed.aws.counters().tokens, 2);
}

#[tokio::test]
async fn as_long_as_the_credential_is_the_same_so_is_the_client() {
    let bed = Bed::start().await;
    let before = bed.challenges();
    let clients = bed.clients();
    for _ in 0..5 {
        let access = clients.clone().of(&image(REGION)).await.unwrap();
        pull(&access.client, &access.auth).await.unwrap();
    }
    assert_eq!((bed.challenges() - before, bed.aws.counters().tokens), (1, 1));
    let access = bed.clients().of(&image(REGION)).await.unwrap();
    pull(&access.client, &access.auth).await.unwrap();
    assert_eq!(bed.challenges() - before, 2, "another client asks again");
}

#[tokio::test]
async fn who_asks_at_the_same_time_shares_one_lookup_and_one_client() {
    let bed = Bed::start().await;
    let gate = Gate::new();
    bed.aws.answer_next(Answer::Held(gate.clone(), Box::new(Answer::Token)));
    let (clients, before) = (bed.clients(), bed.challenges());
    let asked = async {
        bed.aws.wait_until_async("AWS is asked", |aws| !aws.requests().is_empty()).await;
        gate.open();
    };
    let (accesses, ()) = tokio::join!(at_once(20, &clients), asked);
    for access in accesses {
        pull(&access.client, &access.auth).await.unwrap();
    }
    assert_eq!((bed.challenges() - before, bed.aws.counters().tokens), (1, 1));
}

#[tokio::test]
async fn a_registry_whose_aws_is_stuck_holds_up_no_other_one_and_its_lookup_can_be_cancelled() {
    let bed = Bed::start().await;
    let stuck = api(OTHER_REGION);
    let is_stuck = stuck.clone();
    bed.aws.answer_where(move |request| request.host == is_stuck, Answer::Silence);
    let (clients, cancel) = (bed.clients(), CancelToken::new());
    let (others, token) = (clients.clone(), cancel.clone());
    let budget = Budget::default().with_deadline(Duration::MAX);
    let waiting = tokio::spawn(async move { others.of_with(&image(OTHER_REGION), &budget, &token).await });
    bed.aws.wait_until_async("it is stuck", |aws| aws.requests().iter().any(|seen| seen.host == stuck)).await;

    let access = clients.of(&image(REGION)).await.unwrap();
    pull(&access.client, &access.auth).await.unwrap();
    assert!(!waiting.is_finished());
    cancel.cancel();
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Lookup(keyward::Error::Cancelled { .. })), "{error}");
}

#[tokio::test]
async fn what_is_not_ours_is_anonymous_with_the_reason_and_aws_hears_nothing_of_it() {
    let bed = Bed::start().await;
    let clients = bed.clients();
    for image in ["registry.example.com/team/image:1", "alpine", "localhost:5000/image"] {
        let access = clients.of(&image.parse().unwrap()).await.unwrap();
        assert!(access.auth == RegistryAuth::Anonymous);
        assert_eq!(access.anonymous_because, Some(keyward::Error::NotOurRegistry));
    }
    assert_eq!(bed.aws.requests().len(), 0);
}

#[tokio::test]
async fn without_credentials_a_pull_is_anonymous_and_says_which_sources_there_were() {
    let bed = Bed::start().await;
    let clients = Clients::new(bed.config_without_keys().build().unwrap(), bed.client_config());
    let access = clients.of(&image(REGION)).await.unwrap();
    assert!(is_refusal(&pull(&access.client, &access.auth).await.unwrap_err()));
    let reason = access.anonymous_because.unwrap();
    assert!(matches!(&reason, keyward::Error::NoCredentials(_)), "{reason}");
    assert!(reason.to_string().contains("AWS_ACCESS_KEY_ID"), "{reason}");
}

#[tokio::test]
async fn after_a_refusal_aws_is_asked_again_and_once_for_all_who_were_refused() {
    let bed = Bed::start().await;
    let clients = bed.clients();
    let accesses = at_once(10, &clients).await;
    bed.change_password("/second");
    for access in accesses {
        assert!(is_refusal(&pull(&access.client, &access.auth).await.unwrap_err()));
        clients.refused(&image(REGION), &access.auth);
        let access = clients.of(&image(REGION)).await.unwrap();
        pull(&access.client, &access.auth).await.unwrap();
    }
    assert_eq!(bed.aws.counters().tokens, 2);
}

/// A registry may refuse for reasons that pass, and AWS may give the same token again.
#[tokio::test]
async fn after_a_refusal_the_client_is_a_new_one_also_where_the_credential_is_the_same() {
    let bed = Bed::start().await;
    let clients = bed.clients();
    let before = bed.challenges();
    for _ in 0..3 {
        let access = clients.of(&image(REGION)).await.unwrap();
        pull(&access.client, &access.auth).await.unwrap();
        clients.refused(&image(REGION), &access.auth);
    }
    assert_eq!((bed.challenges() - before, bed.aws.counters().tokens), (3, 3));
}

#[tokio::test]
async fn a_failed_lookup_is_an_error_of_its_own_kind_and_never_an_anonymous_pull() {
    let bed = Bed::start().await;
    let clients = bed.clients();
    bed.aws.answer_next(Answer::aws_error(400, "AccessDeniedException", "no"));
    let denied = clients.of(&image(REGION)).await.unwrap_err();
    assert!(matches!(denied, Error::Lookup(keyward::Error::Denied(_))), "{denied}");

    bed.aws.answer_next(Answer::Silence);
    let (budget, cancel) = (Budget::default().with_deadline(Duration::from_millis(100)), CancelToken::new());
    let late = clients.of_with(&image(REGION), &budget, &cancel).await.unwrap_err();
    assert!(matches!(late, Error::Lookup(keyward::Error::Timeout { .. })), "{late}");
}

/// oci-client's own constructor goes on with another configuration there.
#[tokio::test]
async fn a_configuration_that_makes_no_sense_is_an_error() {
    let bed = Bed::start().await;
    let config =
        |_: &str| ClientConfig { https_proxy: Some("http://user:hunter2@[".to_owned()), ..ClientConfig::default() };
    let error = Clients::new(bed.resolver(), config).of(&image(REGION)).await.unwrap_err();
    assert!(matches!(error, Error::Client(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "the proxy's password is shown");
}

#[tokio::test]
async fn of_a_keychain_the_patterns_may_have_a_path() {
    let bed = Bed::start().await;
    let keychain = Keychain::new().with(["*.dkr.ecr.*.amazonaws.com/team/".parse().unwrap()], bed.resolver());
    let clients = Clients::new(keychain, bed.client_config());
    let access = clients.of(&image(REGION)).await.unwrap();
    pull(&access.client, &access.auth).await.unwrap();
    let others = image(REGION).whole().replace("/team/", "/other/").parse().unwrap();
    assert!(clients.of(&others).await.unwrap().auth == RegistryAuth::Anonymous);
    clients.refused(&image(REGION), &access.auth);
    clients.of(&image(REGION)).await.unwrap();
    assert_eq!(bed.aws.counters().tokens, 2);
}

#[tokio::test]
async fn no_debug_form_and_no_error_shows_a_secret() {
    let bed = Bed::start().await;
    let clients = bed.clients();
    let access = clients.of(&image(REGION)).await.unwrap();
    assert!(access.auth == auth(""), "there is no secret that could be shown");
    bed.change_password("/second");
    let refused = pull(&access.client, &access.auth).await.unwrap_err();
    clients.refused(&image(REGION), &access.auth);
    bed.aws.answer_next(Answer::aws_error(400, "AccessDeniedException", "no"));
    let denied = clients.of(&image(REGION)).await.unwrap_err();
    let shown = format!("{clients:?} {access:?} {:?} {refused:?} {refused} {denied:?} {denied}", access.auth);
    for secret in [PASSWORD_MARK, SECRET_ACCESS_KEY] {
        assert!(!shown.contains(secret), "a secret is shown");
    }
}

/// The documentation warns of it; where this fails, the warning is out of date.
#[test]
fn the_type_by_which_oci_client_keeps_a_password_shows_it() {
    assert!(format!("{:?}", RegistryTokenType::Basic("AWS".to_owned(), "hunter2".to_owned())).contains("hunter2"));
}

/// So many who ask at the same time.
async fn at_once(count: usize, clients: &Clients) -> Vec<Access> {
    let mut asking = JoinSet::new();
    for _ in 0..count {
        let clients = clients.clone();
        asking.spawn(async move { clients.of(&image(REGION)).await.unwrap() });
    }
    asking.join_all().await
}

/// By the clock that nobody sets, and at once.
async fn time_passes(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

fn sha256_of_the_layer() -> &'static str {
    "acdcfb7be49280f43177c0ba5d02060b596d5e26496ad9cba5fd26c0853d68a0"
}
