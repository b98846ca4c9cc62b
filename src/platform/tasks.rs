//! Tasks that end together.

use futures_channel::oneshot::{Receiver, Sender, channel};
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared, select};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Tasks of one purpose, such as one stay in a room. When this is dropped, each of them ends where it waits.
#[derive(Debug)]
pub struct Tasks {
    ended: Shared<Receiver<()>>,
    _end: Sender<()>,
}

impl Default for Tasks {
    fn default() -> Self {
        let (end, ended) = channel();
        Self {
            ended: ended.shared(),
            _end: end,
        }
    }
}

impl Tasks {
    /// Runs a task until it is done or the tasks end.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.spawn_boxed(Box::pin(task));
    }

    /// Not generic: all tasks share the code that ends them.
    fn spawn_boxed(&self, task: LocalBoxFuture<'static, ()>) {
        let ended = self.ended.clone();
        spawn_local(async move {
            select(task, ended).await;
        });
    }
}

/// Waits until a condition holds. It is looked at again whenever a signal that it reads changes.
pub async fn until(condition: impl Fn() -> bool + 'static) {
    let (met, waiting) = channel();
    let mut met = Some(met);
    let owner = Owner::new();
    owner.with(|| {
        Effect::new(move |_| {
            if condition()
                && let Some(met) = met.take()
            {
                // Whoever waited may have stopped.
                let _ = met.send(());
            }
        });
    });
    // The effect holds the other end for as long as its owner is here.
    let _ = waiting.await;
    owner.cleanup();
}
