//! Sends requests to AWS's services: again where that may help, and signed for the time that the server's clock has.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::aws::failure::{self, Failure};
use crate::error::Error;
use crate::retry::{self, Bucket, Reason};
use crate::secret::Secret;
use crate::settings::{SettingError, Settings};
use crate::time::Timestamp;
use crate::world::{HttpError, Request, Response, World};

/// A round trip of more than this many seconds says nothing about the server's clock: aws-runtime 1.10, `service_clock_skew.rs`.
const LONGEST_ROUND_TRIP: u64 = 15 * 60;

/// A skew of up to this many seconds is no reason for a refusal.
const TOLERATED_SKEW: u64 = 4 * 60;

/// Error codes that a wrong clock can be behind, together with such a skew.
const SKEW_CODES: [&str; 5] = [
    "AccessDeniedException",
    "AuthFailure",
    "InvalidSignatureException",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
];

/// What all requests of one lookup share.
pub struct Client<'a, W> {
    /// The capabilities.
    pub world: &'a W,
    attempts: u32,
    bucket: RefCell<Bucket>,
    corrects_skew: bool,
    /// When the lookup has to be over, counted from its begin.
    deadline: Option<Duration>,
    /// How many seconds the server's clock is ahead.
    skew: Cell<i64>,
}

/// A call of a service, as far as its answers are concerned.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// What and where, for messages: `AssumeRole of sts.us-east-1.amazonaws.com`.
    pub name: &'a str,
    /// What must not be repeated in a message.
    pub secrets: &'a [&'a Secret],
    /// Error codes for which the service says that the call may be sent again.
    pub transient_codes: &'a [&'a str],
    /// How often it is sent at most.
    pub attempts: u32,
}

impl<'a, W: World> Client<'a, W> {
    /// The client of a lookup.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for settings of retries that make no sense.
    pub fn new(world: &'a W, settings: &Settings<'_, W>) -> Result<Self, SettingError> {
        let off = settings.switch("AWS_DISABLE_CLOCK_SKEW_CORRECTION", "disable_clock_skew_correction")?;
        Ok(Self {
            world,
            attempts: retry::attempts(settings)?,
            bucket: RefCell::default(),
            corrects_skew: !off,
            deadline: settings.context.deadline,
            skew: Cell::new(0),
        })
    }

    /// The same client after answers by which the server's clock is so many seconds ahead.
    #[must_use]
    pub fn with_skew(self, seconds: i64) -> Self {
        self.skew.set(seconds);
        self
    }

    /// How many seconds the server's clock is ahead, by its answers so far.
    pub fn skew(&self) -> i64 {
        self.skew.get()
    }

    /// How often a request is sent at most.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Calls a service: its answer, if its status is 2xx.
    ///
    /// `build` makes the request, signed for the time that it is given.
    ///
    /// # Errors
    ///
    /// [`Error`], by what the last attempt came to.
    pub fn call(&self, call: &Call<'_>, build: impl Fn(Timestamp) -> Request) -> Result<Response, Error> {
        self.call_by(call, &build)
    }

    /// One copy of the code for every call.
    fn call_by(&self, call: &Call<'_>, build: &dyn Fn(Timestamp) -> Request) -> Result<Response, Error> {
        let signed_with = Cell::new(0);
        let attempt = || {
            let sent = self.world.now();
            signed_with.set(self.skew.get());
            let response = self.world.http(&build(sent.shifted_by(self.skew.get()).unwrap_or(sent)))?;
            self.observe(&response, sent, self.world.now());
            Ok(response)
        };
        let again = |response: &Response| {
            // What was signed for the right time was not refused for the time.
            let was_skewed = self.skew.get().abs_diff(signed_with.get()) > TOLERATED_SKEW;
            if response.is_success() { None } else { reason(&Failure::parse(response), call, was_skewed) }
        };
        let response =
            self.send(call.attempts, attempt, again).map_err(|error| failure::no_answer(call.name, &error))?;
        if response.is_success() {
            return Ok(response);
        }
        Err(Failure::parse(&response).into_error(call.name, call.secrets))
    }

    /// Sends a request up to so many times, for as long as it finds no server or `again` gives a reason, there is time, and not too
    /// many others were in vain.
    ///
    /// # Errors
    ///
    /// [`HttpError`] of the last attempt.
    pub fn send(
        &self,
        attempts: u32,
        mut attempt: impl FnMut() -> Result<Response, HttpError>,
        again: impl Fn(&Response) -> Option<Reason>,
    ) -> Result<Response, HttpError> {
        self.send_while(attempts, &mut attempt, &|result| match result {
            Ok(response) => again(response),
            Err(error) => error.is_transient().then_some(Reason::Transient),
        })
    }

    /// [`send`](Self::send) where `again` says as well what to do without an answer.
    ///
    /// # Errors
    ///
    /// [`HttpError`] of the last attempt.
    pub fn send_while(
        &self,
        attempts: u32,
        attempt: &mut dyn FnMut() -> Result<Response, HttpError>,
        again: &dyn Fn(&Result<Response, HttpError>) -> Option<Reason>,
    ) -> Result<Response, HttpError> {
        let mut retry = 0;
        loop {
            let result = attempt();
            let Some(reason) = again(&result) else {
                if result.as_ref().is_ok_and(Response::is_success) {
                    self.bucket.borrow_mut().give_back();
                }
                return result;
            };
            let asked = result.as_ref().ok().and_then(|response| response.header("x-amz-retry-after"));
            // The 53 bits that a fraction has.
            let random = (self.world.random() >> 11) as f64 / (1_u64 << 53) as f64;
            let pause = retry::pause(reason, retry, random, asked);
            let is_last = retry + 1 >= attempts || !self.has_time_for(pause) || !self.bucket.borrow_mut().pay(reason);
            if is_last {
                return result;
            }
            self.world.sleep(pause);
            retry += 1;
        }
    }

    /// Whether the lookup is not over after a pause. A service's own answer says more than that the deadline has passed.
    fn has_time_for(&self, pause: Duration) -> bool {
        self.deadline.is_none_or(|deadline| self.world.elapsed() + pause < deadline)
    }

    /// Takes the server's clock from its answer. Half of the round trip lies between the server's time and that of its arrival.
    fn observe(&self, response: &Response, sent: Timestamp, received: Timestamp) {
        // An answer from somebody's cache has the time of another request.
        if !self.corrects_skew || response.header("age").is_some() {
            return;
        }
        let Some(date) = response.header("date").and_then(Timestamp::parse_http_date) else { return };
        let Some(round_trip) = received.seconds.checked_sub(sent.seconds) else { return };
        if round_trip <= LONGEST_ROUND_TRIP {
            let midpoint = sent.seconds + round_trip / 2;
            self.skew.set(date.seconds.cast_signed() - midpoint.cast_signed());
        }
    }
}

fn reason(failure: &Failure, call: &Call<'_>, was_skewed: bool) -> Option<Reason> {
    let code = failure.code.as_deref().unwrap_or_default();
    if was_skewed && SKEW_CODES.contains(&code) {
        Some(Reason::ClockSkew)
    } else if call.transient_codes.contains(&code) {
        Some(Reason::Transient)
    } else {
        failure.retry_reason()
    }
}

#[cfg(test)]
mod tests;
