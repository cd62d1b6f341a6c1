//! `/metrics` on `metrics_listen`: the counters of this process, for a metrics collector.

use actix_web::{http::StatusCode, web::Data};

use crate::{app::App, metrics::MEDIA_TYPE, web::reply::Reply};

/// `GET /metrics`.
pub async fn get(app: Data<App>) -> Reply {
    match app.metrics.text() {
        Ok(text) => Reply::of_type(MEDIA_TYPE, text),
        Err(error) => Reply::empty(StatusCode::INTERNAL_SERVER_ERROR).noting(error.to_string()),
    }
}
