//! The task that moves bytes and time between a transport and the machine.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;

use crate::machine::{Event, Machine, Output};
use crate::options::ServiceAddress;
use crate::shared::Shared;
use crate::trace;
use crate::transport::{BoxFuture, Transport, TransportEvent};

/// How many messages are read before other tasks get their turn.
const BATCH: usize = 64;

pub(crate) struct Driver {
    shared: Arc<Shared>,
    address: ServiceAddress,
    transport: Box<dyn Transport>,
    /// The timer that runs, and what for.
    timer: Option<(u64, BoxFuture)>,
    /// Whether nothing was read when it was looked last.
    was_held: bool,
}

impl Driver {
    pub(crate) fn new(
        shared: Arc<Shared>,
        address: ServiceAddress,
        transport: Box<dyn Transport>,
    ) -> Self {
        Self {
            shared,
            address,
            transport,
            timer: None,
            was_held: false,
        }
    }

    /// Does what the machine wants. Taps may call the machine in between, so it is not borrowed meanwhile.
    fn drain(&mut self) {
        let shared = Arc::clone(&self.shared);
        let parts = shared.lock();
        loop {
            let output = parts.machine.borrow_mut().poll_output();
            match output {
                None => return,
                Some(Output::Open { query }) => {
                    trace::connecting();
                    self.transport.open(&self.address, &query);
                }
                Some(Output::Send(message)) => {
                    parts.traffic.sent(&message);
                    self.transport.send(message);
                }
                Some(Output::Close) => self.transport.close(),
                Some(Output::Event(event)) => {
                    if let Event::State(state) = &event {
                        trace::state(state);
                    }
                    shared.dispatch(event);
                }
            }
        }
    }

    /// Whether a stream is so full that nothing more is to be read. The service is not to be taken for silent meanwhile.
    fn is_held(&mut self, context: &Context<'_>) -> bool {
        let parts = self.shared.lock();
        let mut machine = parts.machine.borrow_mut();
        let is_held = machine.is_live() && self.shared.brake.poll_held(context.waker());
        if is_held || self.was_held {
            machine.held(self.shared.now());
        }
        self.was_held = is_held;
        is_held
    }

    /// Gives the machine an input, and does what comes of it before anybody else sees the session.
    fn input(&mut self, input: impl FnOnce(&mut Machine)) {
        let shared = Arc::clone(&self.shared);
        let parts = shared.lock();
        input(&mut parts.machine.borrow_mut());
        self.drain();
    }

    /// Ticks the machine if its time has come; starts a timer otherwise. Whether the machine was ticked.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> bool {
        let due = self.shared.lock().machine.borrow().next_timeout();
        let Some(due) = due else {
            self.timer = None;
            return false;
        };
        let now = self.shared.now();
        if due <= now {
            self.timer = None;
            self.input(|machine| machine.tick(now));
            return true;
        }
        // A timer that rings too early is started again; one that would ring too late is replaced.
        let mut timer = match self.timer.take() {
            Some((rings, timer)) if rings <= due && rings > now => (rings, timer),
            _ => (
                due,
                self.shared.runtime.sleep(Duration::from_millis(due - now)),
            ),
        };
        if timer.1.as_mut().poll(context).is_ready() {
            context.waker().wake_by_ref();
        } else {
            self.timer = Some(timer);
        }
        false
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let driver = self.get_mut();
        driver.shared.drive_with(context.waker());
        for _ in 0..BATCH {
            driver.drain();
            if driver.shared.state().is_closed() {
                return Poll::Ready(());
            }
            if driver.is_held(context) {
                driver.transport.poll_flush(context);
                if !driver.poll_timer(context) {
                    return Poll::Pending;
                }
                continue;
            }
            // Messages first: a service must not be taken for silent while its messages wait to be read.
            match driver.transport.poll_event(context) {
                Poll::Ready(event) => {
                    let now = driver.shared.now();
                    if let TransportEvent::Lost(error) = &event {
                        trace::lost(error);
                    }
                    if let TransportEvent::Message(message) = &event {
                        let parts = driver.shared.lock();
                        let is_open = parts.machine.borrow().is_open();
                        parts.traffic.received(message, is_open);
                    }
                    driver.input(|machine| match event {
                        TransportEvent::Opened => machine.opened(now),
                        TransportEvent::Message(message) => machine.received(now, message),
                        TransportEvent::Lost(error) => machine.lost(now, error),
                    });
                }
                Poll::Pending => {
                    if !driver.poll_timer(context) {
                        return Poll::Pending;
                    }
                }
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.transport.close();
        self.shared.abandon();
    }
}
