//! What a lookup has begun, and what ends with it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use crate::lock::lock;

/// The requests of one lookup that have no answer yet. The engine makes each of them a task, and a task that is told to end does so
/// when its runtime comes to it: so what it holds is held here, and is gone when this is.
pub(crate) struct UnderWay<T>(Arc<Mutex<Vec<Slot<T>>>>);

type Slot<T> = Arc<Mutex<Option<Pin<Box<dyn Future<Output = T> + Send>>>>>;

impl<T> Clone for UnderWay<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for UnderWay<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: 'static> UnderWay<T> {
    /// The same request, which ends with [`end_all`](Self::end_all), and then comes to `ended`.
    pub(crate) fn add(
        &self,
        request: impl Future<Output = T> + Send + 'static,
        ended: impl Fn() -> T + Send + 'static,
    ) -> Box<dyn Future<Output = T> + Send> {
        let slot: Slot<T> = Arc::new(Mutex::new(Some(Box::pin(request))));
        let mut all = lock(&self.0);
        // Those that only this knows have ended.
        all.retain(|slot| Arc::strong_count(slot) > 1);
        all.push(slot.clone());
        drop(all);
        Box::new(poll_fn(move |context| match &mut *lock(&slot) {
            Some(request) => request.as_mut().poll(context),
            None => Poll::Ready(ended()),
        }))
    }

    /// Ends all requests, with their connections.
    pub(crate) fn end_all(&self) {
        for slot in lock(&self.0).drain(..) {
            lock(&slot).take();
        }
    }
}
