//! Several components in one order, each asked for the registries that it serves.

use tokio::time::Instant;

use crate::budget::{Budget, CancelToken, Usage};
use crate::credential::Credential;
use crate::error::Error;
use crate::event::CacheState;
use crate::pattern::Pattern;
use crate::request::Request;
use crate::resolver::{Lookup, Resolver};

/// Resolvers in the order in which they are asked, as the keychains of registry clients have it: where one says that the registry is not its
/// own, or that it has no credentials, the next one is asked; whatever else it says is the answer. So a timeout or a refusal is never
/// taken for "nobody has credentials, go on without".
///
/// Each has the patterns of the addresses that it is asked for. A resolver's credentials are asked for nowhere else.
///
/// ```
/// use keyward::{Config, Keychain, Resolver};
///
/// let production = Resolver::builder().with_variable("AWS_PROFILE", "production").build()?;
/// let others = Resolver::builder().build()?;
/// let keychain = Keychain::new()
///     .with(["123456789012.dkr.ecr.*.amazonaws.com".parse()?], production)
///     .with(["*.dkr.ecr.*.amazonaws.com".parse()?, "public.ecr.aws".parse()?], others);
/// assert_eq!(keychain.serving("public.ecr.aws/docker/library/alpine:3").count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Keychain {
    members: Vec<Member>,
}

#[derive(Clone, Debug)]
struct Member {
    patterns: Vec<Pattern>,
    resolver: Resolver,
}

impl Keychain {
    /// A keychain that serves nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a resolver behind those that are there, for the addresses that one of the patterns matches.
    #[must_use]
    pub fn with(mut self, patterns: impl IntoIterator<Item = Pattern>, resolver: Resolver) -> Self {
        self.members.push(Member { patterns: patterns.into_iter().collect(), resolver });
        self
    }

    /// Those who are asked for a registry, in their order.
    pub fn serving(&self, registry: &str) -> impl Iterator<Item = &Resolver> {
        let serves = move |member: &&Member| member.patterns.iter().any(|pattern| pattern.matches(registry));
        self.members.iter().filter(serves).map(|member| &member.resolver)
    }

    /// Finds the credential of a registry, each resolver under the budget that it has by itself.
    ///
    /// # Errors
    ///
    /// The error of the first resolver that says anything else than that it has none. Where all have none,
    /// [`Error::NoCredentials`] of the first one whose registry it is; and [`Error::NotOurRegistry`] where it is nobody's.
    pub async fn resolve(&self, request: impl Into<Request>) -> Result<Credential, Error> {
        self.ask(request.into(), |resolver| Some(resolver.budget().clone()), &CancelToken::new()).await.result
    }

    /// As [`resolve`](Self::resolve), with one budget for each resolver that is asked, of which the deadline is for all of them together.
    ///
    /// # Errors
    ///
    /// As those of [`resolve`](Self::resolve).
    pub async fn resolve_with(
        &self,
        request: impl Into<Request>,
        budget: &Budget,
        cancel: &CancelToken,
    ) -> Result<Credential, Error> {
        self.look_up(request, budget, cancel).await.result
    }

    /// As [`resolve_with`](Self::resolve_with), and with what all lookups together used. Where the answer comes from is the answering
    /// resolver's.
    pub async fn look_up(&self, request: impl Into<Request>, budget: &Budget, cancel: &CancelToken) -> Lookup {
        let begin = Instant::now();
        let left = |_: &Resolver| {
            let left = budget.deadline.saturating_sub(begin.elapsed());
            (!left.is_zero()).then(|| budget.clone().with_deadline(left))
        };
        let mut lookup = self.ask(request.into(), left, cancel).await;
        lookup.result = lookup.result.map_err(|error| match error {
            // Whoever was asked last had only what was left of it.
            Error::Timeout { waiting_for, .. } => Error::Timeout { deadline: budget.deadline, waiting_for },
            other => other,
        });
        lookup
    }

    /// Forgets what every resolver of a registry remembers of it, as [`Resolver::invalidate`] does.
    pub fn invalidate(&self, registry: &str) {
        self.serving(registry).for_each(|resolver| resolver.invalidate(registry));
    }

    /// Asks one after the other, each with the budget that it may have; without one, the time is over.
    async fn ask(
        &self,
        request: Request,
        budget: impl Fn(&Resolver) -> Option<Budget>,
        cancel: &CancelToken,
    ) -> Lookup {
        let mut last = Lookup { result: Err(Error::NotOurRegistry), usage: Usage::default(), cache: CacheState::Off };
        for resolver in self.serving(request.registry()) {
            let Some(budget) = budget(resolver) else {
                last.result = Err(Error::Timeout { deadline: resolver.budget().deadline, waiting_for: None });
                return last;
            };
            let lookup = resolver.look_up(request.clone(), &budget, cancel).await;
            let usage = last.usage.and(lookup.usage);
            match (lookup.result, &last.result) {
                // The first one that could have had credentials says what to do about it.
                (Err(Error::NotOurRegistry), _) | (Err(Error::NoCredentials(_)), Err(Error::NoCredentials(_))) => {
                    last.usage = usage;
                }
                (result @ Err(Error::NoCredentials(_)), _) => last = Lookup { result, usage, cache: lookup.cache },
                (result, _) => return Lookup { result, usage, cache: lookup.cache },
            }
        }
        last
    }
}
