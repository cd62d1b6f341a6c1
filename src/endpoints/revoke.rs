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
        oauth::introspection,
        oidc::claims::ReadAccessToken,
        values::{
            params::Params,
            time::{Span, Timestamp},
        },
    },
    store::{
        AnyConnection,
        grants::{self, About},
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

/// `POST /revoke`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    client_request::answer(request, app, form, Endpoint { readers: CorsPolicy::Registered, only_reads: false, about, handle })
        .await
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
    let AuthenticatedClient { client, found, .. } = caller;
    let token = introspection::token(&client_request.params)?;
    let now = client_request.context.now;
    if let Some(credential) = Credential::open(&app.config.secrets, Kind::Refresh, token) {
        let Some((found, _)) = found.filter(|(found, _)| found.grant.id == credential.id) else {
            return Ok(done("the grant no longer exists"));
        };
        if found.grant.client_id != client.id {
            return Err(of_another());
        }
        grants::revoke(connection, credential.id, EndReason::RevokedByClient, now)?;
        return Ok(done(&format!("revoked grant {}", credential.id)));
    }
    let ring = app.keys_verifying(connection, token, now)?;
    let Ok(claims) = verify::own(&ring, Typ::AccessToken, token) else { return Ok(done("not a token of this server")) };
    let said =
        ReadAccessToken::read(&claims).map_err(|bad| ProtocolError::new(ErrorCode::InvalidRequest, format!("token: {bad}")))?;
    if said.client_id != client.id {
        return Err(of_another());
    }
    let end = Timestamp::from_millis(said.exp.saturating_mul(1000)).plus(MARGIN);
    if now < end {
        revoked_tokens::insert(connection, said.jti, end)?;
    }
    Ok(done("revoked an access token"))
}

fn done(note: &str) -> Reply {
    Reply::empty(StatusCode::OK).noting(note)
}

/// §2.1: the token's owner is checked before anything is done to it.
fn of_another() -> OauthError {
    ProtocolError::new(ErrorCode::InvalidRequest, "the token was issued to another client").into()
}
