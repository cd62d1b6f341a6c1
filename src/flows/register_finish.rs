//! Making the account that a link in an e-mail is for: user name, display name and password, for an address that the link has
//! shown to be the user's. That someone has a user name is told here alone, to whoever has shown an address, and a few times.

use actix_web::{http::header, web::Data};

use super::{
    link::{self, LinkPage, Visit},
    sign_in_redirect,
    throttle::MailLimit,
};
use crate::{
    app::App,
    pages::{DisplayNameProblem, FormProblem, LinkProblem, RegisterFinish, RegisterFinishProblems, UsernameProblem},
    paths,
    protocol::{
        activity::Activity,
        link::{Invited, LinkContent, LinkKind},
        login_name::LoginName,
        params::Params,
        profile::{self, DISPLAY_NAME_LIMIT, USERNAME_LIMIT},
        user,
    },
    random,
    store::{
        self, AnyConnection,
        activity::Event,
        clients, link_actions,
        links::Link,
        users::{self, User},
    },
    web::{
        blocking::{Priority, run_blocking},
        body::Form,
        fault::Fault,
        page,
        reply::Reply,
        request::Request,
    },
};

static LINK_PAGE: LinkPage = LinkPage { path: paths::REGISTER_FINISH, kinds: &[LinkKind::Register, LinkKind::Invitation] };

/// What was typed, but the password.
struct Typed {
    username: String,
    display_name: String,
}

/// An account on its way to being made.
struct Candidate {
    link: Link,
    user: User,
    typed: Typed,
}

/// `GET /register/finish`.
pub async fn get(request: Request, app: Data<App>) -> Reply {
    link::show(&request, &app, &LINK_PAGE, handle).await
}

/// `POST /register/finish`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    let visit = Visit::of(&request, &LINK_PAGE);
    let form = match visit.read(&app, form) {
        Ok(form) => form,
        Err(reply) => return reply,
    };
    let context = visit.context.clone();
    make(&app, visit, form).await.unwrap_or_else(|fault| page::fault(app.config.issuer.base(), &context, &fault))
}

fn handle(app: &App, connection: &mut AnyConnection, visit: &Visit, link: &Link, _: Option<&Params>) -> Result<Reply, Fault> {
    let typed = Typed { username: String::new(), display_name: String::new() };
    visit.ask(app, connection, link, &typed, RegisterFinishProblems::default())
}

/// Two blocking calls, with the password's hash in between.
async fn make(app: &Data<App>, visit: Visit, form: Params) -> Result<Reply, Fault> {
    let password = form.get("new_password").unwrap_or_default().into();
    let first = visit.clone();
    let judged = run_blocking(app, Priority::Browsers, move |app, connection| -> Result<Result<Box<Candidate>, Reply>, Fault> {
        first.judge(app, connection, &form)
    });
    let mut candidate = match judged.await? {
        Ok(candidate) => candidate,
        Err(reply) => return Ok(reply),
    };
    candidate.user.password_hash = Some(app.passwords.hash_within_gate(password).await?);
    run_blocking(app, Priority::Own, move |app, connection| visit.register(app, connection, &candidate)).await
}

impl Visit {
    /// Reads the form, and says all that is wrong with it at once.
    fn judge(&self, app: &App, connection: &mut AnyConnection, form: &Params) -> Result<Result<Box<Candidate>, Reply>, Fault> {
        let link = match self.find(app, connection, Some(form))? {
            Ok(link) => link,
            Err(reply) => return Ok(Err(reply)),
        };
        let text = |name| form.get(name).unwrap_or_default().trim().to_owned();
        let typed = Typed { username: text("username"), display_name: text("display_name") };
        let mut problems = RegisterFinishProblems::default();
        if let Err(problem) = self.check(app, &link, form) {
            problems.form = Some(problem);
            return Ok(Err(self.ask(app, connection, &link, &typed, problems)?));
        }
        let Some(email) = link.email.clone() else { return Ok(Err(self.problem_of(app, Some(link.kind), LinkProblem::Unknown))) };
        let username = profile::username(&typed.username).ok();
        if let Some(username) = &username {
            match MailLimit::of_names(&app.config.secrets, link.id).admit(connection, self.context.now)? {
                Ok(()) if users::find_by_login(connection, &LoginName::parse(username))?.is_some() => {
                    problems.username = Some(UsernameProblem::Taken);
                }
                Ok(()) => {}
                Err(seconds) => problems.form = Some(FormProblem::SlowedDown { seconds }),
            }
        } else {
            problems.username = Some(UsernameProblem::Invalid { limit: USERNAME_LIMIT });
        }
        let display_name = (!typed.display_name.is_empty()).then(|| profile::display_name(&typed.display_name));
        if let Some(Err(_)) = display_name {
            problems.display_name = Some(DisplayNameProblem::Invalid { limit: DISPLAY_NAME_LIMIT });
        }
        let password = form.get("new_password").unwrap_or_default();
        problems.password = app.password_rules.check(password, &[&typed.username, &email, &typed.display_name]).err();
        let (Some(username), true) = (username, problems == RegisterFinishProblems::default()) else {
            return Ok(Err(self.ask(app, connection, &link, &typed, problems)?));
        };
        let Some(user) = self.user(&link, (username, display_name.and_then(Result::ok), email)) else {
            return Ok(Err(self.problem_of(app, Some(link.kind), LinkProblem::Unknown)));
        };
        Ok(Ok(Box::new(Candidate { link, user, typed })))
    }

    /// The user that the link makes: their address is known to be theirs, and an invitation brings roles and groups. None for an
    /// invitation that does not say which.
    fn user(&self, link: &Link, (username, display_name, email): (String, Option<String>, String)) -> Option<User> {
        let Invited { roles, groups } = match (link.kind, &link.content) {
            (LinkKind::Register, _) => Invited::default(),
            (_, LinkContent::Invited(invited)) => invited.clone(),
            _ => return None,
        };
        let now = self.context.now;
        Some(User {
            claims: user::User {
                id: random::id(now),
                username,
                display_name,
                email,
                email_verified: true,
                roles,
                groups,
                attributes: serde_json::Map::new(),
                updated_at: now,
            },
            password_hash: None,
            disabled_at: None,
            created_at: now,
            signed_in_at: None,
            sign_in_again_at: None,
        })
    }

    fn register(&self, app: &App, connection: &mut AnyConnection, candidate: &Candidate) -> Result<Reply, Fault> {
        let Candidate { link, user, typed } = candidate;
        let (now, origin, id) = (self.context.now, self.context.origin(), user.claims.id);
        let activity = Activity::Registered;
        let event = Event { id: random::id(now), user: id, activity, origin: &origin, about: None, at: now };
        match link_actions::register(connection, link, user, &event) {
            Ok(true) => {}
            Ok(false) => return self.lost(app, connection, link),
            Err(store::Error::Conflict(_)) => return self.taken(app, connection, link, typed),
            Err(error) => return Err(error.into()),
        }
        let request = link.content.request();
        let to = (sign_in_redirect::REGISTERED, user.claims.username.as_str());
        Ok(sign_in_redirect::to_sign_in(app, request, to, (self.browser(), now)).noting(format!("registered: user {id}")))
    }

    /// Someone else took the name meanwhile, or the address.
    fn taken(&self, app: &App, connection: &mut AnyConnection, link: &Link, typed: &Typed) -> Result<Reply, Fault> {
        if users::find_by_login(connection, &LoginName::parse(&typed.username))?.is_none() {
            return Ok(self.problem_of(app, Some(link.kind), LinkProblem::AddressTaken));
        }
        let problems = RegisterFinishProblems { username: Some(UsernameProblem::Taken), ..RegisterFinishProblems::default() };
        self.ask(app, connection, link, typed, problems)
    }

    fn ask(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        link: &Link,
        typed: &Typed,
        problems: RegisterFinishProblems,
    ) -> Result<Reply, Fault> {
        let request = link.content.request().map(Params::parse);
        let client = request.as_ref().and_then(|request| request.get("client_id"));
        let client = client.map(|id| clients::find(connection, id)).transpose()?.flatten();
        let owner = self.owner();
        let page = RegisterFinish {
            layout: self.layout(app),
            client_name: client.as_ref().map(|client| client.name.as_str()),
            email: link.email.as_deref().unwrap_or_default(),
            username: &typed.username,
            display_name: &typed.display_name,
            min_length: app.password_rules.min_length(),
            action: &self.action(app),
            csrf: &self.csrf(app, &owner, link),
            problems,
        };
        let status = match problems {
            RegisterFinishProblems { form: Some(problem), .. } => link::status(Some(problem)),
            problems if problems == RegisterFinishProblems::default() => 200,
            _ => 400,
        };
        let reply = self.keeping(&owner, page::show(status, &page, None));
        Ok(match problems.form {
            Some(FormProblem::SlowedDown { seconds }) => reply.with(header::RETRY_AFTER, &seconds.to_string()),
            _ => reply,
        })
    }
}
