//! Token signing: JWS compact serialization (RFC 7515 §7.1). The header of a key is encoded once; only the payload and the
//! signature are left.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::Value;

use super::{Error, failed, keys::Key};
use crate::protocol::{
    oauth::api_tokens::TokenTyp,
    oidc::claims::{AccessToken, IdToken, LogoutToken, SignedUserInfo},
};

impl Key {
    /// Signs an access token (RFC 9068).
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn access_token(&self, claims: &AccessToken<'_>, typ: TokenTyp) -> Result<String, Error> {
        let header = match typ {
            TokenTyp::AccessToken => &self.access_token_header,
            TokenTyp::Jwt => &self.jwt_header,
        };
        self.sign(header, claims)
    }

    /// Signs an ID token (OpenID Connect Core §2).
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn id_token(&self, claims: &IdToken<'_>) -> Result<String, Error> {
        self.sign(&self.jwt_header, claims)
    }

    /// Signs a `/userinfo` response (Core §5.3.2). It lacks claims that an ID token has, and so never passes for one.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn user_info(&self, claims: &SignedUserInfo<'_>) -> Result<String, Error> {
        self.sign(&self.jwt_header, claims)
    }

    /// Signs an `/introspect` response (RFC 9701 §5).
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn introspection(&self, claims: &Value) -> Result<String, Error> {
        self.sign(&self.header("token-introspection+jwt"), claims)
    }

    /// Signs a logout token (Back-Channel Logout §2.4).
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn logout_token(&self, claims: &LogoutToken<'_>) -> Result<String, Error> {
        self.sign(&self.header("logout+jwt"), claims)
    }

    fn sign(&self, header: &str, claims: &impl Serialize) -> Result<String, Error> {
        let payload = serde_json::to_vec(claims).map_err(failed)?;
        let mut token = String::with_capacity(header.len() + payload.len() * 4 / 3 + 360);
        token.push_str(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = self.signer()?.sign(token.as_bytes()).map_err(failed)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}
