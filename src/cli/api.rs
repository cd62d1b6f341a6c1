//! `symbolon api`: the APIs that tokens are for (RFC 8707), with their scopes. What clients lose by a change is reported.

use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{
    Answer, Work,
    listing::Part,
    output::{self, Format},
};
use crate::{
    operations::apis::{self, ApiChanges, ApiView, Loss, NewApi, NewMinimum},
    protocol::{
        oauth::{
            api::ApiScope,
            api_tokens::{ApiTokens, TokenTyp},
        },
        oidc::authentication::{CLASS_WORDS, Class},
    },
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register an API
    Add {
        /// The identifier, an absolute URI: the audience of its tokens
        uri: String,
        /// The name shown to users
        #[arg(long)]
        name: String,
        /// A scope, with a description for the consent page; can be repeated
        #[arg(long = "scope", value_name = "SCOPE[=DESCRIPTION]")]
        scopes: Vec<String>,
        #[command(flatten)]
        tokens: TokenOptions,
        #[command(flatten)]
        format: Format,
    },
    /// List APIs, by identifier
    List(Part),
    /// Show an API and the clients that can use it
    Show(One),
    /// Change an API; scopes that no longer belong to any API are removed from all clients
    Set {
        #[command(flatten)]
        changes: Changes,
        #[command(flatten)]
        format: Format,
    },
    /// Remove an API, and remove it from all clients with the scopes that no other API has
    Remove(One),
}

#[derive(Debug, Args)]
pub struct One {
    /// The API's identifier
    uri: String,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct Changes {
    /// The API's identifier
    uri: String,
    /// The name shown to users
    #[arg(long)]
    name: Option<String>,
    /// The new list of scopes, replacing the current one; can be repeated
    #[arg(long = "scope", value_name = "SCOPE[=DESCRIPTION]", conflicts_with_all = ["more", "fewer"])]
    scopes: Vec<String>,
    /// Add a scope, or change its description; can be repeated
    #[arg(id = "more", long = "add-scope", value_name = "SCOPE[=DESCRIPTION]")]
    more: Vec<String>,
    /// Remove a scope; can be repeated
    #[arg(id = "fewer", long = "remove-scope", value_name = "SCOPE")]
    fewer: Vec<String>,
    #[command(flatten)]
    tokens: TokenOptions,
    /// No claims about the user in its access tokens but those of RFC 9068
    #[arg(long, conflicts_with = "claims")]
    no_token_claims: bool,
    /// Accept every sign-in
    #[arg(long, conflicts_with = "min_acr")]
    no_min_acr: bool,
}

/// What the API decides about its access tokens.
#[derive(Clone, Debug, Default, Args)]
pub struct TokenOptions {
    /// Claims about the user in its access tokens, as far as a scope that grants them was granted; separated by commas. Users who
    /// have consented already are not asked again: `symbolon consent withdraw` makes an app ask a user again
    #[arg(id = "claims", long = "token-claims", value_name = "CLAIM", value_delimiter = ',')]
    claims: Vec<String>,
    /// The `typ` of its access tokens; JWT, that of ID tokens, is for resource servers that refuse at+jwt [default for new APIs: at+jwt]
    #[arg(id = "typ", long = "token-typ", value_name = "TYP", value_parser = token_typ())]
    typ: Option<TokenTyp>,
    /// The weakest class of sign-in for which tokens for it are issued [default for new APIs: any]
    #[arg(long, value_name = "CLASS", value_parser = class())]
    min_acr: Option<Class>,
}

fn token_typ() -> impl TypedValueParser<Value = TokenTyp> {
    let names = PossibleValuesParser::new(TokenTyp::names());
    names.try_map(|name| TokenTyp::from_name(&name).ok_or("expected a typ of access tokens"))
}

/// The classes of sign-in, by their words.
pub fn class() -> impl TypedValueParser<Value = Class> {
    PossibleValuesParser::new(CLASS_WORDS).try_map(|word| Class::from_word(&word).ok_or("expected a class of sign-in"))
}

impl Command {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        match self {
            Self::Add { uri, name, scopes, tokens, format } => {
                let min_acr = tokens.min_acr;
                let tokens = ApiTokens { typ: tokens.typ.unwrap_or_default(), claims: tokens.claims };
                let api = apis::add(work, NewApi { uri, name, scopes: scopes_of(&scopes), tokens, min_acr })?;
                format.answer(&api, || output::clean(&format!("registered API {}", api.uri)) + "\n")
            }
            Self::List(part) => part.print(work, (["API", "NAME", "CREATED", "SCOPES"], row), apis::list),
            Self::Show(one) => {
                let api = apis::show(work, &one.uri)?;
                one.format.answer(&api, || text(&api))
            }
            Self::Set { changes, format } => {
                let changed = apis::change(work, &changes.uri, &changes.read())?;
                format.answer(&changed, || text(&changed.api) + &describe_losses(&changed.lost))
            }
            Self::Remove(one) => {
                let removed = apis::remove(work, &one.uri)?;
                let done = || output::clean(&format!("removed API {}", removed.uri)) + "\n";
                one.format.answer(&removed, || done() + &describe_losses(&removed.lost))
            }
        }
    }
}

impl Changes {
    fn read(&self) -> ApiChanges {
        ApiChanges {
            name: self.name.clone(),
            scopes: (!self.scopes.is_empty()).then(|| scopes_of(&self.scopes)),
            removed: self.fewer.clone(),
            added: scopes_of(&self.more),
            token_typ: self.tokens.typ,
            min_acr: if self.no_min_acr { Some(NewMinimum::Any) } else { self.tokens.min_acr.map(NewMinimum::Class) },
            token_claims: (self.no_token_claims || !self.tokens.claims.is_empty()).then(|| self.tokens.claims.clone()),
        }
    }
}

/// A row of the table of APIs.
fn row(api: &ApiView) -> [String; 4] {
    let scopes: Vec<_> = api.scopes.iter().map(|scope| scope.name.as_str()).collect();
    [api.uri.clone(), api.name.clone(), api.created.to_string(), scopes.join(" ")]
}

/// Parses `name=words`, or the name alone.
fn scopes_of(texts: &[String]) -> Vec<ApiScope> {
    let read = |text: &String| match text.split_once('=') {
        Some((name, words)) => ApiScope { name: name.into(), description: Some(words.trim().into()) },
        None => ApiScope { name: text.clone(), description: None },
    };
    texts.iter().map(read).collect()
}

fn describe_losses(losses: &[Loss]) -> String {
    let line = |loss: &Loss| {
        let lost: Vec<_> = loss.apis.iter().chain(&loss.scopes).map(String::as_str).collect();
        output::clean(&format!("removed from client {}: {}", loss.client_id, lost.join(", "))) + "\n"
    };
    losses.iter().map(line).collect()
}

fn text(shown: &ApiView) -> String {
    let scope = |scope: &ApiScope| match &scope.description {
        Some(words) => format!("{}: {words}", scope.name),
        None => scope.name.clone(),
    };
    output::fields(&[
        ("API", shown.uri.clone()),
        ("name", shown.name.clone()),
        ("created", shown.created.to_string()),
        ("scopes", output::lines(shown.scopes.iter().map(scope))),
        ("token typ", shown.token_typ.as_str().to_owned()),
        ("token claims", output::lines(&shown.token_claims)),
        ("minimum acr", shown.min_acr.map_or("any", Class::word).to_owned()),
        ("clients", output::lines(&shown.clients)),
        ("introspected by", output::lines(&shown.introspected_by)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{oauth::api::Api, values::time::Timestamp};

    fn api(scopes: &[&str]) -> Api {
        let scopes: Vec<_> = scopes.iter().map(ToString::to_string).collect();
        let (scopes, tokens) = (scopes_of(&scopes), ApiTokens::default());
        Api { uri: "https://a".into(), name: "A".into(), scopes, tokens, min_acr: None, created_at: Timestamp::from_millis(0) }
    }

    #[test]
    fn scopes_are_replaced_added_and_removed() {
        let changed = |fewer: &[&str], more: &[&str], scopes: &[&str]| {
            let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
            let (scopes, more, fewer, tokens) = (owned(scopes), owned(more), owned(fewer), TokenOptions::default());
            let changes = Changes {
                uri: String::new(),
                name: None,
                scopes,
                more,
                fewer,
                tokens,
                no_token_claims: false,
                no_min_acr: false,
            };
            let mut api = api(&["read=Read it", "write"]);
            changes.read().apply(&mut api).map(|()| api.scopes).map_err(|error| error.to_string())
        };
        assert_eq!(changed(&["write"], &["list", "read=See it"], &[]), Ok(api(&["read=See it", "list"]).scopes));
        assert_eq!(changed(&[], &[], &["list=a=b"]), Ok(api(&["list=a=b"]).scopes));
        assert!(changed(&["gone"], &[], &[]).unwrap_err().contains("scope 'gone'"));
    }

    #[test]
    fn words_follow_the_first_equals_sign() {
        let scopes = scopes_of(&["a= b=c ".into(), "d".into()]);
        assert_eq!((scopes[0].name.as_str(), scopes[0].description.as_deref()), ("a", Some("b=c")));
        assert_eq!(scopes[1].description, None);
    }
}
