//! The lists of a client to which `symbolon client set` adds entries, and from which it removes some, while the others stay.

use clap::Args;

use super::{
    super::{Error, similar},
    scopes::parse,
};
use crate::protocol::oauth::{api::Api, client::ClientMetadata, resource, scope::Scopes};

/// Entries of lists.
#[derive(Debug, Args)]
pub struct Entries {
    /// A redirect URI besides those registered; can be repeated
    #[arg(long = "add-redirect-uri", value_name = "URI", conflicts_with = "redirect_uris")]
    more_redirect_uris: Vec<String>,
    /// A redirect URI to remove, while the others stay; can be repeated
    #[arg(long = "remove-redirect-uri", value_name = "URI", conflicts_with = "redirect_uris")]
    less_redirect_uris: Vec<String>,
    /// A post-logout redirect URI besides those registered; can be repeated
    #[arg(long = "add-post-logout-redirect-uri", value_name = "URI", conflicts_with_all = ["post_logout_redirect_uris", "no_post_logout_redirect_uri"])]
    more_post_logout_redirect_uris: Vec<String>,
    /// A post-logout redirect URI to remove, while the others stay; can be repeated
    #[arg(long = "remove-post-logout-redirect-uri", value_name = "URI", conflicts_with_all = ["post_logout_redirect_uris", "no_post_logout_redirect_uri"])]
    less_post_logout_redirect_uris: Vec<String>,
    /// A scope besides those it can request; can be repeated
    #[arg(long = "add-scope", value_name = "SCOPE", conflicts_with = "scopes")]
    more_scopes: Vec<String>,
    /// A scope to remove, while the others stay; can be repeated
    #[arg(long = "remove-scope", value_name = "SCOPE", conflicts_with = "scopes")]
    less_scopes: Vec<String>,
    /// An API besides those it can request tokens for; can be repeated
    #[arg(long = "add-api", value_name = "URI", conflicts_with_all = ["apis", "no_api"])]
    more_apis: Vec<String>,
    /// An API to remove with its scopes, while the others stay; can be repeated
    #[arg(long = "remove-api", value_name = "URI", conflicts_with_all = ["apis", "no_api"])]
    less_apis: Vec<String>,
    /// A CORS origin besides those registered; can be repeated
    #[arg(long = "add-cors-origin", value_name = "ORIGIN", conflicts_with_all = ["cors_origins", "no_cors_origin"])]
    more_cors_origins: Vec<String>,
    /// A CORS origin to remove, while the others stay; can be repeated
    #[arg(long = "remove-cors-origin", value_name = "ORIGIN", conflicts_with_all = ["cors_origins", "no_cors_origin"])]
    less_cors_origins: Vec<String>,
}

impl Entries {
    /// Applies the changes; `apis` are all that are registered.
    pub fn change(&self, settings: &mut ClientMetadata, apis: &[Api]) -> Result<(), Error> {
        for (option, list, less, more) in [
            ("redirect-uri", &mut settings.redirect_uris, &self.less_redirect_uris, &self.more_redirect_uris),
            (
                "post-logout-redirect-uri",
                &mut settings.post_logout_redirect_uris,
                &self.less_post_logout_redirect_uris,
                &self.more_post_logout_redirect_uris,
            ),
            ("cors-origin", &mut settings.cors_origins, &self.less_cors_origins, &self.more_cors_origins),
        ] {
            for entry in less {
                let at = list.iter().position(|one| one == entry).ok_or_else(|| absent(option, entry, list))?;
                list.remove(at);
            }
            add(list, more);
        }
        for uri in &self.less_apis {
            remove_api(settings, apis, uri)?;
        }
        add(&mut settings.audiences, &self.more_apis);
        self.change_scopes(settings)
    }

    fn change_scopes(&self, settings: &mut ClientMetadata) -> Result<(), Error> {
        let less = parse(&self.less_scopes.join(" "))?;
        if let Some(scope) = less.first_outside(&settings.scope) {
            let all: Vec<_> = settings.scope.iter().map(str::to_owned).collect();
            return Err(absent("scope", scope, &all));
        }
        let keep = |scopes: &Scopes| scopes.retain(|scope| !less.contains(scope));
        settings.scope = keep(&settings.scope).with(parse(&self.more_scopes.join(" "))?.iter());
        settings.default_scope = settings.default_scope.as_ref().map(keep);
        Ok(())
    }
}

fn add(list: &mut Vec<String>, more: &[String]) {
    for entry in more {
        if !list.contains(entry) {
            list.push(entry.clone());
        }
    }
}

/// Removes an API, what the client has of its scopes, and the API as a default one.
fn remove_api(settings: &mut ClientMetadata, apis: &[Api], uri: &str) -> Result<(), Error> {
    let Some(own) = resource::find(&settings.audiences, uri).cloned() else {
        return Err(absent("api", uri, &settings.audiences));
    };
    settings.audiences.retain(|one| *one != own);
    if let Some(default) = &mut settings.default_audiences {
        default.retain(|one| *one != own);
    }
    let has = |uri: &String, scope: &str| apis.iter().any(|api| api.uri == *uri && api.has(scope));
    let is_lost = |scope: &str| has(&own, scope) && !settings.audiences.iter().any(|uri| has(uri, scope));
    let (scope, default) = (&settings.scope, &settings.default_scope);
    let scope = scope.retain(|scope| !is_lost(scope));
    let default = default.as_ref().map(|default| default.retain(|scope| !is_lost(scope)));
    (settings.scope, settings.default_scope) = (scope, default);
    Ok(())
}

fn absent(option: &str, entry: &str, list: &[String]) -> Error {
    let question = similar::question(entry, list.iter().map(String::as_str));
    let all = if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    Error::Refused(format!("--remove-{option} '{entry}': expected one of the client's own: {all}.{question}"))
}
