//! What the service manager (systemd with `Type=notify`) is told about this process: that it waits, is ready, or stops. Without one
//! nothing is sent.

use std::time::Duration;

use sd_notify::NotifyState;

/// It waits, and needs at least this long until it says something again.
pub fn waiting(why: &str, at_most: Duration) {
    let micros = u32::try_from(at_most.as_micros()).unwrap_or(u32::MAX);
    tell(&[NotifyState::Status(&why.replace('\n', " ")), NotifyState::ExtendTimeoutUsec(micros)]);
}

/// It serves requests.
pub fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// It stops.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "could not notify the service manager");
    }
}
