//! From a form of someone who is not signed in to the sign-in page: with a notice, the name to begin with, and the authorization
//! request that the user was on the way of, which has asked for a sign-in from then on.

use actix_web::http::header;

use crate::{
    app::App,
    paths,
    protocol::{params::Params, prompt, time::Timestamp},
    web::{
        cookies::{self, Keep},
        reply::Reply,
        returning,
    },
};

/// Words for what leads to the sign-in page: an account was made.
pub const REGISTERED: &str = "registered";
/// A new password was set by a link.
pub const PASSWORD_SET: &str = "password_set";

/// What the names of browsers are derived for.
const BROWSER: &str = "browser that asked";

/// The name of a browser that is kept with what it asked for.
pub fn pseudonym(app: &App, browser: &str) -> Vec<u8> {
    app.config.secrets.pseudonym(BROWSER, browser).to_vec()
}

/// Whether a name that was kept is that of this browser: also where another process, or this one before, derived it with
/// another secret of the list.
pub fn is_pseudonym(app: &App, browser: &str, kept: &[u8]) -> bool {
    !browser.is_empty() && app.config.secrets.pseudonyms(BROWSER, browser).any(|name| name == kept)
}

/// To the sign-in page, where the link is done with. `request` is what the link has kept; `browser` the cookie that the form was
/// bound to.
pub fn to_sign_in(
    app: &App,
    request: Option<&str>,
    (notice, username): (&str, &str),
    (browser, now): (&str, Timestamp),
) -> Reply {
    let params = request.map(Params::parse).filter(|params| params.get("client_id").is_some());
    let request = params.map(|params| {
        // Nobody who has just made an account is asked to make another; what is left of `prompt` is asked for.
        let rest = prompt::after_registration(params.get("prompt").unwrap_or_default());
        let prompt = (!rest.is_empty()).then_some(("prompt", rest.as_str()));
        let without = [&returning::NAMES[..], &["prompt"]].concat();
        Params::parse(&params.to_query(&without, prompt.as_slice()))
    });
    let requested = request.as_ref().map(|request| returning::ask_for_sign_in(app, request, now));
    let request = request.unwrap_or_default();
    let notice = returning::Notice { word: notice, name: username };
    let stamp = returning::give_notice(app, browser, notice, &request, now);
    let own = [(returning::NOTICE, notice.word), (returning::SIGN_IN_AS, notice.name), (returning::NOTICE_STAMP, stamp.as_str())];
    let requested = requested.as_deref().map(|requested| (returning::SIGN_IN_REQUESTED, requested));
    let query = request.to_query(&[], &[&own[..], requested.as_slice()].concat());
    Reply::see_other(&format!("{}{}?{query}", app.config.issuer.base(), paths::LOGIN))
        .with(header::SET_COOKIE, &cookies::set(cookies::LINK, "", Keep::Delete))
}
