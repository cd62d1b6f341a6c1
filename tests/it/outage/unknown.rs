//! An unknown database error: 503, as it may be temporary, and an error in the log, as it may be a bug of ours.

use symbolon::testing::store::{AnyConnection, Error};

use crate::{
    harness::databases,
    serve::{Site, refresh, tokens},
};

#[test]
fn what_the_database_refuses_for_no_known_reason_is_an_error_in_the_log() {
    for database in databases() {
        let site = Site::new(database).with("SYMBOLON_LOG", "error");
        site.add_alice();
        let spa = site.add_spa();
        let mut process = site.serve_quietly();
        let first = tokens(&site.url, &spa);
        let rename = |from: &str, to: &str| {
            let query = diesel::sql_query(format!("ALTER TABLE {from} RENAME TO {to}"));
            let work =
                |connection: &mut AnyConnection| -> Result<_, Error> { Ok(diesel::RunQueryDsl::execute(query, connection)?) };
            site.store().with(work).unwrap();
        };
        rename("grants", "elsewhere");
        let refused = refresh(&site.url, &spa, first.text("refresh_token")).unwrap();
        assert_eq!((refused.status, refused.error()), (503, "temporarily_unavailable"), "{refused:?}");
        process.wait_for("unknown database error");
        let said = process.said();
        let line = said.lines().find(|line| line.contains("unknown database error")).unwrap();
        assert!(line.contains("ERROR") && line.contains("grants"), "{line}");
        rename("elsewhere", "grants");
        let next = refresh(&site.url, &spa, first.text("refresh_token")).unwrap();
        assert_eq!(next.status, 200, "{next:?}");
    }
}
