use super::*;
use crate::context::Context;
use crate::test_world::{TestWorld, in_lookup};
use crate::world::{Method, Patience, Scheme};

const THROTTLED: &str = r#"{"__type":"ThrottlingException"}"#;

fn request() -> Request {
    Request {
        method: Method::Get,
        scheme: Scheme::Https,
        authority: "service.test".to_owned(),
        path: "/".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        patience: Patience::default(),
    }
}

fn called(world: &TestWorld, context: &Context) -> Result<Response, Error> {
    in_lookup(world, context, |lookup| {
        let attempts = lookup.client.attempts();
        let call = Call { name: "operation", secrets: &[], transient_codes: &[], attempts };
        lookup.client.call(&call, |_| request())
    })
}

fn sleeps(world: &TestWorld) -> Vec<u128> {
    world.sleeps.borrow().iter().map(Duration::as_millis).collect()
}

#[test]
fn what_passes_is_tried_again_after_a_pause_that_doubles() {
    let world = TestWorld::default().answer(503, &[], "").no_answer(HttpError::Timeout).answer(200, &[], "{}");
    called(&world, &Context::default()).unwrap();
    assert_eq!(sleeps(&world), [50, 100]);
}

#[test]
fn who_is_throttled_waits_longer_and_as_long_as_the_service_asks() {
    let world = TestWorld::default()
        .answer(400, &[], THROTTLED)
        .answer(429, &[("x-amz-retry-after", "2500")], "")
        .answer(200, &[], "{}");
    called(&world, &Context::default()).unwrap();
    assert_eq!(sleeps(&world), [1000, 2500]);
}

#[test]
fn after_the_last_attempt_the_last_answer_counts() {
    let world = (0..3).fold(TestWorld::default(), |world, _| world.answer(400, &[], THROTTLED));
    assert!(matches!(called(&world, &Context::default()), Err(Error::Throttled(_))));
    assert_eq!(world.requests.borrow().len(), 3);

    let world = TestWorld::with_environment(&[("AWS_MAX_ATTEMPTS", "1")]).answer(503, &[], "");
    assert!(matches!(called(&world, &Context::default()), Err(Error::Unavailable(_))));
    assert!(world.sleeps.borrow().is_empty());
}

#[test]
fn a_denial_and_what_cannot_change_are_not_tried_again() {
    for code in ["AccessDeniedException", "ExpiredTokenException", "InvalidSignatureException", "ValidationError"] {
        let world = TestWorld::default().answer(400, &[], &format!(r#"{{"__type":"{code}"}}"#));
        called(&world, &Context::default()).unwrap_err();
        assert_eq!(world.requests.borrow().len(), 1, "{code}");
    }
    for error in [HttpError::Refused, HttpError::Resolution("x".to_owned()), HttpError::Tls("x".to_owned())] {
        let world = TestWorld::default().no_answer(error);
        called(&world, &Context::default()).unwrap_err();
        assert_eq!(world.requests.borrow().len(), 1);
    }
}

/// A lookup that sleeps until its deadline would end with that, and not with the reason why it slept.
#[test]
fn a_pause_that_lasts_beyond_the_deadline_is_not_made_and_the_reason_is_told() {
    let context = Context { deadline: Some(Duration::from_millis(2500)), ..Context::default() };
    let world = (0..3).fold(TestWorld::default(), |world, _| world.answer(400, &[], THROTTLED));
    assert!(matches!(called(&world, &context), Err(Error::Throttled(_))));
    assert_eq!(sleeps(&world), [1000]);
}

#[test]
fn a_wrong_clock_is_corrected_once_and_not_where_the_settings_say_so() {
    // The clock of the tests shows 12:36.
    let skewed = |world: TestWorld| {
        world.answer(
            403,
            &[("date", "Sun, 30 Aug 2015 13:36:00 GMT")],
            r#"{"__type":"SignatureDoesNotMatch","message":"x"}"#,
        )
    };
    let signed = |world: &TestWorld| {
        let times = RefCell::new(Vec::new());
        let call = Call { name: "operation", secrets: &[], transient_codes: &[], attempts: 3 };
        let _ = in_lookup(world, &Context::default(), |lookup| {
            lookup.client.call(&call, |time| {
                times.borrow_mut().push(time.basic_format());
                request()
            })
        });
        times.into_inner()
    };
    // Signed for the right time, and refused all the same: the keys are wrong.
    let world = skewed(skewed(TestWorld::default()));
    assert_eq!(signed(&world), ["20150830T123600Z", "20150830T133600Z"]);
    let world = skewed(TestWorld::with_environment(&[("AWS_DISABLE_CLOCK_SKEW_CORRECTION", "true")]));
    assert_eq!(signed(&world), ["20150830T123600Z"]);
}
