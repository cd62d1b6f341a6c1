//! A client's settings: the one list of them. The members have the names of RFC 7591 §2, OpenID Connect Dynamic Client Registration
//! §2, RP-Initiated Logout §3.1 and Back-Channel Logout §2.2, and names of ours where these have none. The command line prints and
//! reads this type, and it is stored as it is. What may be registered is `registration`.

use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::{Map, Value};

use super::{
    client_values::{AssertionAudience, AuthMethod, ClientKeySource, ClientKind, GrantType, IdTokenClaims, PkceRule},
    scope::Scopes,
};
use crate::protocol::{
    error::Invalid,
    oidc::authentication::{Class, by_word},
    values::{algorithm::Algorithm, time::Span},
};

/// The settings of a client. A member that is absent has its default, and members with their default are not written: so a setting
/// that is added is absent in older rows, and a process of the version before refuses no client but those that use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting")]
pub struct ClientMetadata {
    /// The name shown to users.
    pub client_name: String,
    /// Its kind. (`application_type` of OpenID Connect knows only `web` and `native`.)
    #[serde(rename = "type")]
    pub kind: ClientKind,
    /// Its registered redirect URIs, compared byte for byte.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// The scopes it may request.
    #[serde(default)]
    pub scope: Scopes,
    /// The scopes of a request without `scope` (RFC 6749 §3.3); `None` means `openid` and those of the requested APIs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_scope: Option<Scopes>,
    /// How it authenticates. A secret may come in the header or in the body, whichever of the two is registered (RFC 6749 §2.3.1).
    pub token_endpoint_auth_method: AuthMethod,
    /// Whether its secret is accepted in the header alone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub client_secret_basic_only: bool,
    /// Whether a native app is given a secret, for programs that require one. Every copy of the app contains it, so it authenticates
    /// nobody, and the client stays public (RFC 8252 §8.5).
    #[serde(default, skip_serializing_if = "is_default")]
    pub secret_for_native: bool,
    /// Its public keys for `private_key_jwt` (RFC 7517 §5), registered with it: a JWK set as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "json_object")]
    pub jwks: Option<String>,
    /// The URL of its public keys, instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// What its assertions may name as their audience.
    #[serde(default, skip_serializing_if = "is_default")]
    pub assertion_audience: AssertionAudience,
    /// The grant types it may use.
    pub grant_types: Vec<GrantType>,
    /// Whether it is the operator's own, so that the operator gives the consent and users are not asked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub first_party: bool,
    /// The APIs it may request tokens for (RFC 9068 §3, RFC 8707).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
    /// The APIs its tokens are for when the request names no resource; `None` means all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_audiences: Option<Vec<String>>,
    /// The APIs whose tokens it may introspect (RFC 7662): those it serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub introspects: Vec<String>,
    /// Whether it must use PKCE; a public client always must ([`ClientMetadata::pkce_rule`]).
    #[serde(default, skip_serializing_if = "is_default")]
    pub pkce: PkceRule,
    /// Its own refresh retry window, overriding the server's; zero is strict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_retry_window: Option<Span>,
    /// The maximum age of the sign-in, after which its grants are refused; `None` means the grants' own lifetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_auth_age: Option<Span>,
    /// The weakest class of sign-in that its users may have, by its word; `None` means any.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "by_word")]
    pub min_acr: Option<Class>,
    /// Origins allowed by CORS besides those of the redirect URIs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cors_origins: Vec<String>,
    /// The signing algorithm of its ID and access tokens. (`id_token_signed_response_alg` is about ID tokens alone.)
    #[serde(default, skip_serializing_if = "is_default")]
    pub signing_alg: Algorithm,
    /// Which claims about the user its ID tokens have.
    #[serde(default, skip_serializing_if = "is_default")]
    pub id_token_claims: IdTokenClaims,
    /// Whether a refresh returns an ID token, if `openid` was granted (OpenID Connect Core §12.2).
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub id_token_on_refresh: bool,
    /// Whether `/userinfo` returns a JWT to it (OpenID Connect Core §5.3.2), signed with the same algorithm.
    #[serde(default, skip_serializing_if = "is_default")]
    pub userinfo_signed: bool,
    /// The sector of its pairwise subjects (Core §8.1), so that `subject_type` is `pairwise`; `None` means public subjects: the
    /// user's id, the same for every client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairwise_sector: Option<String>,
    /// Where users may be redirected after logout, compared byte for byte (RP-Initiated Logout §3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// Where it is notified that a session has ended (Back-Channel Logout §2.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_yes(value: &bool) -> bool {
    *value
}

/// A JSON object that is kept as its text.
mod json_object {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error};
    use serde_json::{Map, Value};

    #[expect(clippy::ref_option, reason = "serde passes references")]
    pub fn serialize<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
        let object: Option<Map<String, Value>> =
            text.as_deref().map(serde_json::from_str).transpose().map_err(S::Error::custom)?;
        object.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
        let object = Option::<Map<String, Value>>::deserialize(deserializer)?;
        Ok(object.map(|object| Value::Object(object).to_string()))
    }
}

impl ClientMetadata {
    /// The default settings of this kind: it may sign users in, and nothing else.
    #[must_use]
    pub fn new(client_name: impl Into<String>, kind: ClientKind) -> Self {
        let is_public = matches!(kind, ClientKind::Spa | ClientKind::Native);
        Self {
            client_name: client_name.into(),
            kind,
            redirect_uris: vec![],
            scope: Scopes::default(),
            default_scope: None,
            token_endpoint_auth_method: if is_public { AuthMethod::None } else { AuthMethod::ClientSecretBasic },
            client_secret_basic_only: false,
            secret_for_native: false,
            jwks: None,
            jwks_uri: None,
            assertion_audience: AssertionAudience::default(),
            grant_types: match kind {
                ClientKind::Service => vec![GrantType::ClientCredentials],
                _ => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            },
            first_party: false,
            audiences: vec![],
            default_audiences: None,
            introspects: vec![],
            pkce: PkceRule::default(),
            refresh_retry_window: None,
            max_auth_age: None,
            min_acr: None,
            cors_origins: vec![],
            signing_alg: Algorithm::default(),
            id_token_claims: IdTokenClaims::default(),
            id_token_on_refresh: true,
            userinfo_signed: false,
            pairwise_sector: None,
            post_logout_redirect_uris: vec![],
            backchannel_logout_uri: None,
        }
    }

    /// Reads settings as people give them. A member that is absent has the default of its kind.
    ///
    /// # Errors
    /// The member that is unknown, absent or has another form, with what was expected and received.
    pub fn read(given: &Map<String, Value>) -> Result<Self, Invalid> {
        let read = |member: &str, whole: &Map<String, Value>| {
            serde_json::from_value(Value::Object(whole.clone())).map_err(|error: serde_json::Error| refused(member, &error))
        };
        let required = |member: &str, expected: &str| {
            given.get(member).cloned().ok_or_else(|| Invalid::from(format!("{member}: expected {expected}, received nothing")))
        };
        let kind = serde_json::from_value(required("type", &format!("one of {}", ClientKind::names().join(", ")))?);
        required("client_name", "the name shown to users")?;
        let mut settings = Self::new("", kind.map_err(|error| refused("type", &error))?);
        let Ok(Value::Object(mut whole)) = serde_json::to_value(&settings) else { return Err("expected an object".into()) };
        for (member, value) in given {
            whole.insert(member.clone(), value.clone());
            settings = read(member, &whole)?;
        }
        Ok(settings)
    }

    /// The name of every member.
    #[must_use]
    pub fn members() -> &'static [&'static str] {
        let mut members = Members(&[]);
        let _ = Self::deserialize(&mut members); // it has no values: this fails, once it has the names
        members.0
    }

    /// Whether it is public: it cannot keep a secret (RFC 6749 §2.1).
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == AuthMethod::None
    }

    /// Whether it authenticates with a secret.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        matches!(self.token_endpoint_auth_method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost)
    }

    /// Whether it has a secret: one that it authenticates with, or one that every copy of a native app contains.
    #[must_use]
    pub fn keeps_secret(&self) -> bool {
        self.has_secret() || self.secret_for_native
    }

    /// Whether it may use the grant type.
    #[must_use]
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// Whether it must use PKCE, which a public client always must (RFC 9700 §2.1.1).
    #[must_use]
    pub fn pkce_rule(&self) -> PkceRule {
        if self.is_public() { PkceRule::Required } else { self.pkce }
    }

    /// The APIs that apply when a request names none.
    #[must_use]
    pub fn default_audiences(&self) -> &[String] {
        self.default_audiences.as_deref().unwrap_or(&self.audiences)
    }

    /// Where its public keys come from.
    #[must_use]
    pub fn keys(&self) -> ClientKeySource {
        match (&self.jwks, &self.jwks_uri) {
            (Some(set), _) => ClientKeySource::Inline(set.clone()),
            (None, Some(url)) => ClientKeySource::Url(url.clone()),
            (None, None) => ClientKeySource::None,
        }
    }

    /// Sets where its public keys come from.
    pub fn set_keys(&mut self, keys: ClientKeySource) {
        (self.jwks, self.jwks_uri) = match keys {
            ClientKeySource::None => (None, None),
            ClientKeySource::Inline(set) => (Some(set), None),
            ClientKeySource::Url(url) => (None, Some(url)),
        };
    }
}

/// What is wrong with a member, in the form of our other errors.
fn refused(member: &str, error: &serde_json::Error) -> Invalid {
    let text = error.to_string();
    if !ClientMetadata::members().contains(&member) {
        return format!("{member}: expected one of {}, received an unknown setting", ClientMetadata::members().join(", ")).into();
    }
    let received = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: "));
    match received.and_then(|rest| rest.split_once(", expected ")) {
        Some((received, expected)) => format!("{member}: expected {expected}, received {received}").into(),
        None => format!("{member}: {text}").into(),
    }
}

/// Learns the names of a structure's members instead of reading values.
struct Members(&'static [&'static str]);

impl<'de> serde::Deserializer<'de> for &mut Members {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("no value"))
    }

    fn deserialize_struct<V: serde::de::Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.0 = fields;
        Err(Self::Error::custom("no value"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
#[path = "client_metadata_tests.rs"]
mod tests;
