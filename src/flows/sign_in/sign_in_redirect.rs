//! The redirects after a link was used, with the authorization request stored with it: of a signed-out user to the sign-in page, with
//! a notice and the name to fill in, or of a user who is signed in by it.

use actix_web::http::header;

use super::progress;
use crate::{
    app::App,
    paths,
    protocol::{
        oidc::prompt,
        values::{params::Params, time::Timestamp},
    },
    web::{
        cookies::{Cookie, Keep},
        page_request::PageRequest,
        reply::Reply,
        returning,
    },
};

/// The word for a notice on the sign-in page: a new password was set by a link.
pub const PASSWORD_SET: &str = "password_set";
/// Likewise: too many codes were tried in one sign-in.
pub const TOO_MANY_CODES: &str = "too_many_codes";
/// Likewise: a sign-in was not completed in time.
pub const TOOK_TOO_LONG: &str = "took_too_long";

/// The purpose for which pseudonyms of browsers are derived.
const BROWSER: &str = "browser that asked";

/// The pseudonym of a browser, stored with its requests.
pub fn pseudonym(app: &App, browser: &str) -> Vec<u8> {
    app.config.secrets.pseudonym(BROWSER, browser).to_vec()
}

/// Whether a stored pseudonym is that of this browser, even if another process, or an earlier one, derived it with another secret
/// of the list.
pub fn is_pseudonym(app: &App, browser: &str, kept: &[u8]) -> bool {
    !browser.is_empty() && app.config.secrets.pseudonyms(BROWSER, browser).any(|name| name == kept)
}

/// Redirects to the sign-in page when a link was used. `request` is the authorization request stored with the link, `browser` the
/// cookie that the form was bound to.
pub fn to_sign_in(
    app: &App,
    request: Option<&str>,
    (notice, username): (&str, &str),
    (browser, now): (&str, Timestamp),
) -> Reply {
    let request = stored(request);
    let requested = request.as_ref().map(|request| returning::ask_for_sign_in(app, request, now));
    let request = request.unwrap_or_default();
    let notice = returning::Notice { word: notice, name: username };
    let stamp = returning::give_notice(app, browser, notice, &request, now);
    let own = [(returning::NOTICE, notice.word), (returning::SIGN_IN_AS, notice.name), (returning::NOTICE_STAMP, stamp.as_str())];
    let requested = requested.as_deref().map(|requested| (returning::SIGN_IN_REQUESTED, requested));
    let query = request.to_query(&[], &[&own[..], requested.as_slice()].concat());
    Reply::see_other(&format!("{}{}?{query}", app.config.issuer.base(), paths::LOGIN))
        .with(header::SET_COOKIE, &Cookie::Link.set(&app.config.issuer, "", Keep::Delete))
}

/// Redirects to the sign-in page, to begin again, with the query of the page that was left: with a notice, unless this browser has no
/// cookie to bind it to.
pub fn to_begin_again(app: &App, request: &PageRequest, notice: Option<&str>, without: &[&str]) -> Reply {
    let params = Params::parse(&request.query.to_query(&[&returning::NOTICE_NAMES, without].concat(), &[]));
    let (base, browser) = (app.config.issuer.base(), request.browser.as_deref().unwrap_or_default());
    let query = match notice.filter(|_| !browser.is_empty()) {
        Some(word) => {
            let notice = returning::Notice { word, name: "" };
            let stamp = returning::give_notice(app, browser, notice, &params, request.context.now);
            params.to_query(&[], &[(returning::NOTICE, word), (returning::NOTICE_STAMP, stamp.as_str())])
        }
        None => params.to_query(&[], &[]),
    };
    let to = format!("{base}{}?{query}", paths::LOGIN);
    let reply = Reply::see_other(to.trim_end_matches('?'));
    if request.progress.is_some() { reply.with(header::SET_COOKIE, &progress::forget(app)) } else { reply }
}

/// Redirects a user who has just signed in by a link: on with the stored authorization request, for which this sign-in is a fresh one,
/// or to the front page.
pub fn signed_in(app: &App, request: Option<&str>, now: Timestamp) -> Reply {
    let base = app.config.issuer.base();
    let to = stored(request).map_or_else(
        || format!("{base}{}", paths::HOME),
        |request| {
            let requested = returning::ask_for_sign_in(app, &request, now);
            let query = request.to_query(&[], &[(returning::SIGN_IN_REQUESTED, &requested)]);
            format!("{base}{}?{query}", paths::AUTHORIZE)
        },
    );
    Reply::see_other(&to).with(header::SET_COOKIE, &Cookie::Link.set(&app.config.issuer, "", Keep::Delete))
}

/// The authorization request stored with a link, without our own parameters. A user who has just created an account is not asked to
/// create another; the rest of `prompt` still applies.
fn stored(request: Option<&str>) -> Option<Params> {
    let params = request.map(Params::parse).filter(|params| params.get("client_id").is_some())?;
    let rest = prompt::after_registration(params.get("prompt").unwrap_or_default());
    let prompt = (!rest.is_empty()).then_some(("prompt", rest.as_str()));
    let without = [&returning::NAMES[..], &["prompt"]].concat();
    Some(Params::parse(&params.to_query(&without, prompt.as_slice())))
}
