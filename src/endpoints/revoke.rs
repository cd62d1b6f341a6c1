//! The revocation endpoint (RFC 7009 §2.1): a client revokes its own tokens. A refresh token of any generation revokes its whole
//! grant, an access token is revoked alone. An unknown token counts as revoked (RFC 7009 §2.2).

use actix_web::{http::StatusCode, web::Data};

use crate::{
    app::App,
    jose::verify::{self, Typ},
    protocol::{
        error::{ErrorCode, ProtocolError},
        grant::{
            credential::{Credential, Kind},
            end_reason::EndReason,
        },
        oauth::{client::Client, introspection},
        oidc::claims::ReadAccessToken,
        values::{
            id::Id,
            params::Params,
            time::{Span, Timestamp},
        },
    },
    store::{
        AnyConnection,
        grants::{self, About, Found},
        revoked_tokens,
    },
    web::{
        body::Form,
        client_request::{self, AuthenticatedClient, ClientRequest, CorsPolicy, Endpoint},
        oauth_error::OauthError,
        reply::Reply,
        request::Request,
    },
};

/// How long a revocation is kept after its token has expired, for clocks that differ.
const MARGIN: Span = Span::from_seconds(600);

/// What a revocation ends.
enum Revocable {
    /// A refresh token's grant.
    Grant(Id),
    /// An access token alone, until it has expired.
    AccessToken { jti: String, until: Timestamp },
    /// Nothing that is left, for this reason.
    Nothing(&'static str),
}

/// `POST /revoke`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    let endpoint = Endpoint { readers: CorsPolicy::Registered, only_reads: false, refuse: |_| Ok(()), about, handle };
    client_request::answer(request, app, form, endpoint).await
}

/// The grant of the refresh token.
fn about(app: &App, params: &Params) -> Option<About> {
    Some(About { grant: Credential::open(&app.config.secrets, Kind::Refresh, params.get("token")?)?.id, jti: None })
}

fn handle(
    app: &App,
    connection: &mut AnyConnection,
    client_request: &ClientRequest,
    caller: AuthenticatedClient<'_>,
) -> Result<Reply, OauthError> {
    let AuthenticatedClient { client, place, found, .. } = caller;
    let token = introspection::token(&client_request.params)?;
    let now = client_request.context.now;
    let revocable = judge(app, connection, now, (&client, token, found.map(|(found, _)| found)))?;
    place?;
    Ok(match revocable {
        Revocable::Grant(id) => {
            grants::revoke(connection, id, EndReason::RevokedByClient, now)?;
            done(&format!("revoked grant {id}"))
        }
        Revocable::AccessToken { jti, until } => {
            if now < until {
                revoked_tokens::insert(connection, &jti, until)?;
            }
            done("revoked an access token")
        }
        Revocable::Nothing(why) => done(why),
    })
}

/// What a token is, if it is the client's (§2.1: this is checked before anything is done to it).
fn judge(
    app: &App,
    connection: &mut AnyConnection,
    now: Timestamp,
    (client, token, found): (&Client, &str, Option<Found>),
) -> Result<Revocable, OauthError> {
    if let Some(credential) = Credential::open(&app.config.secrets, Kind::Refresh, token) {
        let Some(found) = found.filter(|found| found.grant.id == credential.id) else {
            return Ok(Revocable::Nothing("the grant no longer exists"));
        };
        return if found.grant.client_id == client.id { Ok(Revocable::Grant(credential.id)) } else { Err(of_another()) };
    }
    let ring = app.keys_verifying(connection, token, now)?;
    let Ok(claims) = verify::own(&ring, Typ::AccessToken, token) else {
        return Ok(Revocable::Nothing("not a token of this server"));
    };
    let said =
        ReadAccessToken::read(&claims).map_err(|bad| ProtocolError::new(ErrorCode::InvalidRequest, format!("token: {bad}")))?;
    if said.client_id != client.id {
        return Err(of_another());
    }
    let until = Timestamp::from_millis(said.exp.saturating_mul(1000)).plus(MARGIN);
    Ok(Revocable::AccessToken { jti: said.jti.to_owned(), until })
}

fn done(note: &str) -> Reply {
    Reply::empty(StatusCode::OK).noting(note)
}

fn of_another() -> OauthError {
    ProtocolError::new(ErrorCode::InvalidRequest, "the token was issued to another client").into()
}
