//! What the server does by itself, beside requests: it tells others what they want to know, ends sessions that have
//! reached their end, and forgets what has expired. Any number of processes may do so on one database.

mod backchannel_logout;
pub mod housekeeping;

use std::{sync::Arc, time::Duration};

use backchannel_logout::Calls;

use crate::app::App;

/// How often deliveries that are due are looked for, when nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often there is housekeeping.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// Works until it is dropped.
pub async fn run(app: Arc<App>) {
    tokio::join!(deliver(&app), tidy(&app));
}

async fn deliver(app: &Arc<App>) {
    let calls = Calls::default();
    loop {
        backchannel_logout::round(app, &calls).await;
        let _ = tokio::time::timeout(LOOK_EVERY, app.bell.notified()).await;
    }
}

async fn tidy(app: &Arc<App>) {
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        housekeeping::round(app).await;
    }
}
