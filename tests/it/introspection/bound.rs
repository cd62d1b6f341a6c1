//! Tokens of grants that are bound to a key (RFC 9449), written by a version with DPoP: none of them is accepted as a bearer
//! token.

use diesel::{RunQueryDsl, sql_query};
use symbolon::testing::store::Error;

use super::{received, stage};
use crate::harness::both;

#[test]
fn a_token_of_a_bound_grant_is_worth_nothing_without_a_proof() {
    both(|server| {
        let (_, tokens) = stage(server);
        let spa = server.add_strict_client("spa");
        let of_spa = server.tokens(&spa, "alice", "openid offline_access notes:read");
        let userinfo =
            |token: &str| server.send("GET", "/userinfo", &[("Authorization", &format!("Bearer {token}"))], None).status;
        let inactive = serde_json::json!({"active": false});
        let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
        assert_eq!(
            (received(server, "web", access)["active"].clone(), received(server, "web", refresh)["active"].clone()),
            (true.into(), true.into())
        );
        assert_eq!(userinfo(of_spa.text("access_token")), 200);

        let bind = "UPDATE grants SET dpop_jkt = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'";
        server.store(|connection| sql_query(bind).execute(connection).map_err(Error::from));
        for token in [access, refresh] {
            assert_eq!(received(server, "web", token), inactive);
        }
        for caller in ["notes", "files"] {
            assert_eq!(received(server, caller, access), inactive);
        }
        assert_eq!((userinfo(access), userinfo(of_spa.text("access_token"))), (401, 401));
        let refused = server.refresh(&spa, of_spa.text("refresh_token"));
        assert_eq!((refused.status, refused.text("error")), (400, "invalid_dpop_proof"));

        server.store(|connection| sql_query("UPDATE grants SET dpop_jkt = NULL").execute(connection).map_err(Error::from));
        assert_eq!(received(server, "web", refresh)["active"], true, "nothing was ended");
        assert_eq!(server.refresh(&spa, of_spa.text("refresh_token")).status, 200);
    });
}
