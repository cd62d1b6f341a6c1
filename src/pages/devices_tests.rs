//! Tests of the page of devices and apps in every state, with names and numbers that strain its layout.

use super::super::account_frame::tests::{ALICE, BEFORE, BERN, LATER, LONG, NOW, RIGHT_TO_LEFT, assert_framed};
use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
use super::super::{Consent, Lifetime, markup};
use super::*;

const STANDARD: [&str; 8] = ["openid", "profile", "email", "address", "phone", "roles", "groups", "offline_access"];
const END: Form<'static> = Form { action: "/account/end", csrf: "end-proof" };
const RENAME: Form<'static> = Form { action: "/account/name", csrf: "name-proof" };
const PHONE: ShownOrigin<'static> =
    ShownOrigin { program: Some("Safari on iPhone"), place: None, address: Some("2001:db8:1234:5678:9abc:def0:1234:5678") };

const THIS: ShownBrowser<'static> = ShownBrowser {
    id: "01jd3v6q8w2n4m5k7r9t0aaaaa",
    name: Some("Work laptop"),
    origin: BERN,
    first_used: BEFORE,
    last_used: NOW,
    is_remembered: true,
    trusted: None,
    is_this: true,
};
const OTHER: ShownBrowser<'static> =
    ShownBrowser { id: "01jd3v6q8w2n4m5k7r9t0bbbbb", name: None, origin: PHONE, is_remembered: false, is_this: false, ..THIS };
const UNKNOWN: ShownBrowser<'static> =
    ShownBrowser { id: "01jd3v6q8w2n4m5k7r9t0ccccc", origin: ShownOrigin { program: None, place: None, address: None }, ..OTHER };

const READ: RequestedScope<'static> =
    RequestedScope { name: "notes:read", description: Some("Read your notes"), api: Some("Notes API"), claims: &[] };
const SCOPES: [RequestedScope<'static>; 5] =
    [scope("openid"), scope("profile"), READ, scope("notes:share"), scope("offline_access")];
const GRANT: ShownGrant<'static> = ShownGrant {
    id: "01jd3v6q8w2n4m5k7r9t0ddddd",
    name: Some("Phone"),
    origin: PHONE,
    first_used: BEFORE,
    last_used: NOW,
    scopes: &SCOPES,
    ends: Ends::ByItself { unused: LATER, at_latest: LATER },
};
const SECOND: ShownGrant<'static> = ShownGrant {
    id: "01jd3v6q8w2n4m5k7r9t0eeeee",
    name: None,
    origin: BERN,
    scopes: &[],
    ends: Ends::WithBrowser { at_latest: LATER },
    ..GRANT
};
const NOTES: ShownApp<'static> = ShownApp {
    id: "01jd-notes",
    name: "Example Notes",
    consent: AppConsent::User,
    asks: false,
    grants: &[GRANT, SECOND],
    ended: &[],
    more_ended: None,
    rest: None,
};
const ASLEEP: ShownApp<'static> = ShownApp {
    id: "01jd-mail",
    name: "Example Mail",
    consent: AppConsent::Operator,
    asks: false,
    grants: &[],
    ended: &[],
    more_ended: None,
    rest: None,
};
const STOLEN: ShownEnded<'static> = ShownEnded {
    id: "01jd3v6q8w2n4m5k7r9t0fffff",
    name: None,
    origin: PHONE,
    ended: NOW,
    why: Inactive::Revoked(EndReason::RefreshTokenReused),
};
const EXPIRED: ShownEnded<'static> = ShownEnded { name: Some("Old phone"), ended: BEFORE, why: Inactive::Expired, ..STOLEN };

const PAGE: Devices<'static> = Devices {
    layout: LAYOUT,
    owner: ALICE,
    part: AccountPart::Overview,
    overview: "/account",
    browsers: &[THIS, OTHER, UNKNOWN],
    more_browsers: None,
    apps: &[NOTES, ASLEEP],
    more_apps: None,
    trusted: 0,
    end: END,
    rename: RENAME,
    retyped: None,
    name_limit: 64,
    ended_within: "30 days",
    done: None,
    problem: None,
};

const fn scope(name: &str) -> RequestedScope<'_> {
    RequestedScope { name, description: None, api: None, claims: &[] }
}

pub fn samples() -> Vec<Sample> {
    let alone = Devices { browsers: &[THIS], apps: &[], ..PAGE };
    let done = |done| Devices { done: Some(done), ..PAGE };
    let again = |problem| Devices { problem: Some(problem), ..PAGE };
    let nameless = [AccountDone::GrantEnded { name: None, app: None }, AccountDone::BrowserEnded { name: None }];

    let long = ShownOrigin { program: Some(LONG), place: Some(LONG), address: PHONE.address };
    let long_grants =
        [ShownGrant { name: Some(LONG), origin: long, ..GRANT }, ShownGrant { name: Some(RIGHT_TO_LEFT), ..SECOND }];
    let unbroken = "x".repeat(120);
    let strained = Devices {
        owner: Owner { name: LONG, username: "wolfeschlegelsteinhausenbergerdorff@department.example.com" },
        browsers: &[
            ShownBrowser { name: Some(&unbroken), origin: long, ..THIS },
            ShownBrowser { name: Some(RIGHT_TO_LEFT), ..OTHER },
        ],
        apps: &[
            ShownApp { name: LONG, grants: &long_grants, ..NOTES },
            ShownApp { name: &unbroken, ..ASLEEP },
            ShownApp { name: RIGHT_TO_LEFT, grants: &[], consent: AppConsent::OperatorBefore, ..ASLEEP },
        ],
        done: Some(AccountDone::GrantEnded { name: Some(LONG), app: Some(RIGHT_TO_LEFT) }),
        ..PAGE
    };

    let ids: Vec<String> = (0..30).map(|number| format!("01jd3v6q8w2n4m5k7r9t0{number:05}")).collect();
    let grants: Vec<_> = ids.iter().map(|id| ShownGrant { id, ..GRANT }).collect();
    let browsers: Vec<_> = ids.iter().map(|id| ShownBrowser { id, ..OTHER }).collect();
    let many = Devices { browsers: &browsers, apps: &[ShownApp { grants: &grants, ..NOTES }, ASLEEP], ..PAGE };

    let (more_browsers, more_apps) = (Some("/account?browsers_before=1.2"), Some("/account?apps_after=notes"));
    let rest = Some("/account?app=notes&before=1");
    let full = Devices {
        more_browsers,
        more_apps,
        apps: &[ShownApp { grants: &grants[..20], rest, ..NOTES }, ASLEEP],
        browsers: &browsers[..20],
        ..PAGE
    };
    let more_ended = Some("/account?app=notes");
    let gone = ShownApp { consent: AppConsent::Nobody, asks: true, ended: &[EXPIRED], ..ASLEEP };
    let stolen = Devices { apps: &[ShownApp { ended: &[STOLEN, EXPIRED], more_ended, ..NOTES }, gone], ..PAGE };
    let part = |part| Devices { part, ..full };

    vec![
        sample("account-full", &full),
        sample("account-more-browsers", &part(AccountPart::Browsers)),
        sample("account-more-apps", &part(AccountPart::Apps)),
        sample("account-one-app", &part(AccountPart::App)),
        sample("account", &PAGE),
        sample("account-stolen", &stolen),
        sample("account-alone", &alone),
        sample("account-strained", &strained),
        sample("account-many", &many),
        sample("account-browser-ended", &done(AccountDone::BrowserEnded { name: Some("Work laptop") })),
        sample("account-grant-ended", &done(AccountDone::GrantEnded { name: Some("Phone"), app: Some("Example Notes") })),
        sample("account-grant-ended-nameless", &done(nameless[0])),
        sample("account-browser-ended-nameless", &done(nameless[1])),
        sample("account-app-ended", &done(AccountDone::AppEnded { app: Some("Example Notes") })),
        sample("account-trusted", &Devices { browsers: &[ShownBrowser { trusted: Some(LATER), ..THIS }], trusted: 2, ..alone }),
        sample("account-trust-ended", &Devices { done: Some(AccountDone::TrustEnded), ..alone }),
        sample("account-others-ended", &Devices { done: Some(AccountDone::OthersEnded), ..alone }),
        sample("account-renamed", &done(AccountDone::Renamed)),
        sample("account-expired", &again(AccountProblem::FormExpired)),
        sample("account-gone", &again(AccountProblem::Gone)),
        sample("account-name-not-taken", &again(AccountProblem::NameNotTaken)),
    ]
}

#[test]
fn hostile_values_are_escaped() {
    let fields = [
        "owner",
        "username",
        "browser",
        "name",
        "program",
        "place",
        "address",
        "client",
        "app",
        "grant",
        "device",
        "scope",
        "words",
        "end",
        "proof",
        "rename",
        "typed",
        "stamp",
        "done",
        "rest",
        "browsers",
        "apps",
        "ended",
        "more-ended",
        "within",
    ];
    let [
        owner,
        username,
        browser,
        name,
        program,
        place,
        address,
        client,
        app,
        grant,
        device,
        token,
        words,
        end,
        proof,
        rename,
        typed,
        stamp,
        done,
        rest,
        browsers,
        apps,
        ended,
        more_ended,
        within,
    ] = fields.map(hostile);
    let origin = ShownOrigin { program: Some(&program), place: Some(&place), address: Some(&address) };
    let scopes = [scope(&token), RequestedScope { description: Some(&words), ..READ }];
    let page = Devices {
        owner: Owner { name: &owner, username: &username },
        browsers: &[ShownBrowser { id: &browser, name: Some(&name), origin, is_this: false, ..THIS }],
        apps: &[ShownApp {
            id: &client,
            name: &app,
            consent: AppConsent::Operator,
            grants: &[ShownGrant { id: &grant, name: Some(&device), origin, scopes: &scopes, ..GRANT }],
            rest: Some(&rest),
            ended: &[ShownEnded { id: &ended, name: Some(&device), origin, ..STOLEN }],
            more_ended: Some(&more_ended),
            asks: false,
        }],
        more_browsers: Some(&browsers),
        more_apps: Some(&apps),
        trusted: 1,
        end: Form { action: &end, csrf: &proof },
        rename: Form { action: &rename, csrf: &stamp },
        retyped: Some(Retyped { what: "session", id: &browser, name: &typed }),
        done: Some(AccountDone::BrowserEnded { name: Some(&done) }),
        problem: Some(AccountProblem::NameNotTaken),
        ended_within: &within,
        ..PAGE
    };
    assert_escaped(&page, &fields);
}

#[test]
fn it_is_a_page_of_the_account() {
    assert_framed(&PAGE, "/account");
}

/// What each form with this action would end or rename.
fn sent(html: &str, action: &str) -> Vec<(String, String)> {
    let forms = html.split("<form ").skip(1).map(|rest| rest.split_once("</form>").unwrap().0);
    let own = forms.filter(|form| form.contains(&format!("action=\"{action}\"")));
    let field = |form: &str, name: &str| {
        let after = form.split_once(&format!("name=\"{name}\" value=\"")).unwrap().1;
        after.split_once('"').unwrap().0.to_owned()
    };
    own.map(|form| (field(form, "what"), field(form, "id"))).collect()
}

#[test]
fn each_form_says_what_it_is_about() {
    let html = PAGE.render().unwrap();
    let expected = |pairs: &[(&str, &str)]| pairs.iter().map(|(what, id)| ((*what).into(), (*id).into())).collect::<Vec<_>>();
    let ended = [
        ("session", OTHER.id),
        ("session", UNKNOWN.id),
        ("grant", GRANT.id),
        ("grant", SECOND.id),
        ("app", NOTES.id),
        ("app", ASLEEP.id),
        ("others", ""),
        ("everything", ""),
    ];
    assert_eq!(sent(&html, END.action), expected(&ended), "this browser has the way out instead");
    let renamed =
        [("session", THIS.id), ("session", OTHER.id), ("session", UNKNOWN.id), ("grant", GRANT.id), ("grant", SECOND.id)];
    assert_eq!(sent(&html, RENAME.action), expected(&renamed));
}

#[test]
fn what_has_no_name_is_called_what_it_is() {
    let html = PAGE.render().unwrap();
    for words in ["<h3><bdi>Work laptop</bdi></h3>", "<h3><bdi>Safari on iPhone</bdi></h3>", "<h3>Unnamed device</h3>"] {
        assert_eq!(html.matches(words).count(), 1, "{words}");
    }
    assert_eq!(html.matches("This browser<").count(), 1);
    assert!(html.contains("<a class=\"button other small\" href=\"/account/grants/01jd3v6q8w2n4m5k7r9t0ddddd\">History"));
}

#[test]
fn the_scopes_are_in_the_words_of_the_consent_page() {
    let scopes = STANDARD.map(scope);
    let grants = [ShownGrant { scopes: &scopes, ..GRANT }];
    let html = Devices { apps: &[ShownApp { grants: &grants, ..NOTES }], ..PAGE }.render().unwrap();
    let consent = Consent {
        layout: LAYOUT,
        client_name: NOTES.name,
        client_host: "app.example.com",
        user: "alice",
        username: "alice",
        scopes: &scopes,
        resources: &[],
        lifetime: Lifetime::Once { minutes: 1 },
        asks_each_time: false,
        action: "/consent",
        csrf: "form-proof",
        problem: None,
    };
    let consent = consent.render().unwrap();
    let list = html.split_once("<ul class=\"scopes\"").unwrap().1.split_once("</ul>").unwrap().0;
    let words: Vec<_> = list.split("<li>").skip(1).map(|item| item.split_once("</li>").unwrap().0).collect();
    assert_eq!(words.len(), STANDARD.len());
    for words in words {
        assert!(consent.contains(&format!("<strong>{words}</strong>")), "{words}");
    }
}

#[test]
fn what_happened_is_told_once_and_aloud() {
    for (page, role) in [
        (Devices { done: Some(AccountDone::Renamed), ..PAGE }, "status"),
        (Devices { problem: Some(AccountProblem::Gone), ..PAGE }, "alert"),
    ] {
        let html = page.render().unwrap();
        let roles: Vec<_> = markup::tags(&html).iter().filter_map(|tag| tag.get("role").map(str::to_owned)).collect();
        assert_eq!(roles.iter().filter(|own| *own != "list").collect::<Vec<_>>(), [role]);
        assert_eq!(html.contains("<title>Error: "), role == "alert");
    }
}

#[test]
fn of_many_the_rest_is_shown_on_demand() {
    let ids: Vec<String> = (0..6).map(|number| format!("id{number}")).collect();
    let grants: Vec<_> = ids.iter().map(|id| ShownGrant { id, ..GRANT }).collect();
    let browsers: Vec<_> = ids.iter().map(|id| ShownBrowser { id, ..OTHER }).collect();
    let page = |count: usize| {
        let apps = [ShownApp { grants: &grants[..count], ..NOTES }];
        Devices { browsers: &browsers[..count], apps: &apps, ..PAGE }.render().unwrap()
    };
    let (few, many) = (page(5), page(6));
    assert!(!few.contains("<details class=\"more\">"));
    for words in [">3 more browsers<", ">3 more devices<"] {
        assert_eq!(many.matches(words).count(), 1, "{words}");
    }
    for html in [&few, &many] {
        let count = html.matches("<li class=\"item\">").count();
        assert_eq!(sent(html, RENAME.action).len(), count, "each can be renamed");
    }
    assert_eq!(many.matches("<li class=\"item\">").count(), 12);
}

#[test]
fn a_part_shows_its_own_list_and_the_ways_on_and_back() {
    let (browsers, apps, rest) = ("/account?b", "/account?a", "/account?r");
    let shown = |part| {
        let apps_shown = [ShownApp { rest: Some(rest), ..NOTES }];
        let page = Devices { part, apps: &apps_shown, more_browsers: Some(browsers), more_apps: Some(apps), ..PAGE };
        page.render().unwrap()
    };
    let has = |html: &str, words: [&str; 4]| words.map(|words| html.contains(words));
    let words = ["<h2 id=\"browsers\">", "<h2 id=\"apps\">", "Sign out everywhere</h2>", "All devices and apps"];
    for (part, expected) in [
        (AccountPart::Overview, [true, true, true, false]),
        (AccountPart::Browsers, [true, false, false, true]),
        (AccountPart::Apps, [false, true, false, true]),
        (AccountPart::App, [false, true, false, true]),
    ] {
        let html = shown(part);
        assert_eq!(has(&html, words), expected, "{part:?}");
        let leads = |to: &str| html.contains(&format!("href=\"{to}\""));
        assert_eq!([leads(browsers), leads(apps), leads(rest)], [expected[0], expected[1], expected[1]], "{part:?}");
        assert!(!html.contains("class=\"count\""), "{part:?}: what is not known is not told");
    }
}

#[test]
fn a_refused_name_is_kept_where_it_was_typed() {
    let retyped = Some(Retyped { what: "grant", id: GRANT.id, name: "two\nlines" });
    let html = Devices { retyped, problem: Some(AccountProblem::NameNotTaken), ..PAGE }.render().unwrap();
    assert_eq!(html.matches("<details class=\"rename\" open>").count(), 1);
    let (tags, id) = (markup::tags(&html), format!("name-grant-{}", GRANT.id));
    let wrong = tags.iter().filter(|tag| tag.get("aria-invalid") == Some("true"));
    let wrong: Vec<_> = wrong.map(|tag| ["id", "value", "autofocus"].map(|name| tag.get(name))).collect();
    assert_eq!(wrong, [[Some(&*id), Some("two\nlines"), Some("")]]);
    assert!(!PAGE.render().unwrap().contains("<details class=\"rename\" open>"));
}
