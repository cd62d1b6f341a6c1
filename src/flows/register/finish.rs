//! Creating the account that a link in an e-mail is for: user name, display name and password, for an address that the link has
//! verified. The link and the password just chosen sign them in (decision 0044). Only here is it revealed that a user name is taken, only to the owner of a verified address, and only a few times.

use actix_web::{http::header, web::Data};

use crate::{
    app::App,
    flows::{
        link::{self, LinkPage, LinkRequest},
        sign_in::{
            beginning::{self, Beginning},
            progress::Progress,
            sign_in_redirect,
            throttle::MailLimit,
        },
    },
    pages::{DisplayNameProblem, FormProblem, LinkProblem, RegisterFinish, RegisterFinishProblems, UsernameProblem},
    paths,
    protocol::{
        account::{
            activity::Activity,
            link::{Invited, LinkContent, LinkKind},
            login_name::LoginName,
            profile::{self, DISPLAY_NAME_LIMIT, USERNAME_LIMIT},
            proof::{Proof, Proofs},
            user,
        },
        oidc::authentication::Method,
        secrets::sensitive::Sensitive,
        values::{id::Id, params::Params},
    },
    random,
    store::{
        self, AnyConnection,
        activity::Event,
        clients, link_actions,
        links::{self, Link},
        sessions,
        users::{self, User},
    },
    web::{
        blocking::{Priority, run_blocking},
        fault::Fault,
        forms, kept_password, page,
        page_request::{self, PageError, PageRequest},
        reply::Reply,
        session,
    },
};

static LINK_PAGE: LinkPage = LinkPage { path: paths::REGISTER_FINISH, kinds: &[LinkKind::Register, LinkKind::Invitation] };

/// The typed values, except the password.
struct Typed {
    username: String,
    display_name: String,
}

/// The names of a new user, validated.
struct Names {
    username: String,
    display_name: Option<String>,
    email: String,
}

/// An account to be created.
struct Candidate {
    link: Link,
    user: User,
    typed: Typed,
}

/// `GET /register/finish`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    link::answer(request, &app, &LINK_PAGE, handle).await
}

/// `POST /register/finish`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    let context = request.context.clone();
    page_request::reply(&app, &context, make(&app, request).await)
}

fn handle(
    app: &App,
    connection: &mut AnyConnection,
    link_request: &LinkRequest,
    link: &Link,
    _: Option<&Params>,
) -> Result<Reply, PageError> {
    let typed = Typed { username: String::new(), display_name: String::new() };
    link_request.ask(app, connection, link, &typed, RegisterFinishProblems::default())
}

/// Two blocking calls, with the password hashed between them.
async fn make(app: &Data<App>, request: PageRequest) -> Result<Reply, PageError> {
    let link_request = LinkRequest::read(app, request, &LINK_PAGE)?;
    let password = link_request.password(app);
    let judged = run_blocking(app, Priority::Browsers, move |app, connection| -> Result<_, PageError> {
        match link_request.judge(app, connection) {
            Ok(candidate) => Ok((link_request, candidate)),
            Err(error) => Err(link_request.twice(app, connection)?.map_or(error, PageError::from)),
        }
    });
    let (link_request, mut candidate) = judged.await?;
    candidate.user.password_hash = Some(app.passwords.hash_within_gate(password).await?);
    run_blocking(app, Priority::Internal, move |app, connection| link_request.register(app, connection, &candidate)).await
}

impl LinkRequest {
    /// Validates the form, and reports all its problems at once.
    ///
    /// # Errors
    /// The page again.
    fn judge(&self, app: &App, connection: &mut AnyConnection) -> Result<Candidate, PageError> {
        let link = self.find(app, connection)?;
        let text = |name| self.field(name).trim().to_owned();
        let typed = Typed { username: text("username"), display_name: text("display_name") };
        let mut problems = RegisterFinishProblems::default();
        if let Err(problem) = self.check(app, &link) {
            problems.form = Some(problem);
            return Err(self.ask(app, connection, &link, &typed, problems)?.into());
        }
        let unknown = || PageError::from(self.problem_of(app, Some(link.kind), LinkProblem::Unknown));
        let email = link.email.clone().ok_or_else(unknown)?;
        let username = profile::username(&typed.username).ok();
        if let Some(username) = &username {
            match MailLimit::of_names(&app.config.secrets, link.id).admit(connection, self.context.now)? {
                Some(seconds) => problems.form = Some(FormProblem::SlowedDown { seconds }),
                None if users::find_by_login(connection, &LoginName::parse(username))?.is_some() => {
                    problems.username = Some(UsernameProblem::Taken);
                }
                None => {}
            }
        } else {
            problems.username = Some(UsernameProblem::Invalid { limit: USERNAME_LIMIT });
        }
        let display_name = (!typed.display_name.is_empty()).then(|| profile::display_name(&typed.display_name));
        if let Some(Err(_)) = display_name {
            problems.display_name = Some(DisplayNameProblem::Invalid { limit: DISPLAY_NAME_LIMIT });
        }
        problems.password =
            app.password_rules.check(self.password(app).expose(), &[&typed.username, &email, &typed.display_name]).err();
        let (Some(username), true) = (username, problems == RegisterFinishProblems::default()) else {
            return Err(self.ask(app, connection, &link, &typed, problems)?.into());
        };
        let names = Names { username, display_name: display_name.and_then(Result::ok), email };
        let user = self.user(&link, names).ok_or_else(unknown)?;
        Ok(Candidate { link, user, typed })
    }

    /// The user that the link creates: their address is verified, and an invitation brings roles and groups. `None` for an
    /// invitation that does not name them.
    fn user(&self, link: &Link, names: Names) -> Option<User> {
        let Names { username, display_name, email } = names;
        let Invited { roles, groups } = match (link.kind, &link.content) {
            (LinkKind::Register, _) => Invited::default(),
            (_, LinkContent::Invited(invited)) => invited.clone(),
            _ => return None,
        };
        let now = self.context.now;
        Some(User {
            claims: user::User {
                id: random::id(now),
                subject: None,
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

    fn register(&self, app: &App, connection: &mut AnyConnection, candidate: &Candidate) -> Result<Reply, PageError> {
        let Candidate { link, user, typed } = candidate;
        let (now, origin, id) = (self.context.now, self.context.origin(), user.claims.id);
        let activity = Activity::Registered;
        let event = Event { id: random::id(now), user: id, activity, origin: &origin, about: None, grant: None, at: now };
        let session_id = self.session_id(app).unwrap_or_else(|| random::id(now));
        let chosen = Proofs::from(Proof { method: Method::Password, at: now });
        let progress = Progress::new(app, user, (chosen, session_id), false, now);
        let beginning = Beginning::read(app, connection, self, &progress)?;
        let made = link_actions::register(connection, link, user, &event, |connection| beginning.begin_in(connection, user));
        let session = match made {
            Ok(Some(session)) => session,
            Ok(None) => return self.twice(app, connection)?.map_or_else(|| self.lost(app, connection, link), Ok),
            Err(store::Error::Conflict(_)) => return self.taken(app, connection, link, typed),
            Err(error) => return Err(error.into()),
        };
        app.delivery_waker.wake();
        let Some(session) = session else { return Err(Fault::Internal("a user just created cannot sign in".into()).into()) };
        let reply = sign_in_redirect::signed_in(app, link.content.request(), now);
        let note = format!("registered and signed in: user {id} session {}", session.id);
        Ok(beginning::with_cookies(app, reply, &session, beginning.now()).noting(note))
    }

    /// The response to a form that has registered and signed in its user a moment ago, and is sent a second time: the same.
    fn twice(&self, app: &App, connection: &mut AnyConnection) -> Result<Option<Reply>, Fault> {
        let Some((link, id)) = self.named(app).zip(self.session_id(app)) else { return Ok(None) };
        let Some(session) = sessions::just_begun(connection, id, self.context.now)? else { return Ok(None) };
        let Some(link) = links::find(connection, link)? else { return Ok(None) };
        let user = users::find(connection, session.user_id)?;
        let is_same = |user: &User| profile::username(self.field("username")).is_ok_and(|name| name == user.claims.username);
        if !user.as_ref().is_some_and(is_same) {
            return Ok(None); // with another name it is another form, and the link has been used
        }
        // The sign-in that the request requires is that of the first form.
        let reply = sign_in_redirect::signed_in(app, link.content.request(), session.auth_time);
        Ok(Some(beginning::with_cookies(app, reply, &session, self.context.now).noting("registered, and sent twice")))
    }

    /// The id of the session that this form begins, if it was shown to this browser.
    fn session_id(&self, app: &App) -> Option<Id> {
        self.shown_at(app).map(|shown_at| beginning::id(app, self.field(forms::FIELD), shown_at))
    }

    /// The user name or the address was taken by another user meanwhile.
    fn taken(&self, app: &App, connection: &mut AnyConnection, link: &Link, typed: &Typed) -> Result<Reply, PageError> {
        if users::find_by_login(connection, &LoginName::parse(&typed.username))?.is_none() {
            return Ok(self.problem_of(app, Some(link.kind), LinkProblem::AddressTaken));
        }
        let problems = RegisterFinishProblems { username: Some(UsernameProblem::Taken), ..RegisterFinishProblems::default() };
        self.ask(app, connection, link, typed, problems)
    }

    /// The password, typed or kept.
    fn password(&self, app: &App) -> Sensitive<String> {
        kept_password::typed(app, self, (self.browser(), paths::REGISTER_FINISH), "new_password")
    }

    /// The password, sealed for this form, if it is another field that is wrong.
    fn kept(&self, app: &App, problems: RegisterFinishProblems) -> Option<String> {
        let is_another = problems.password.is_none() && problems.form != Some(FormProblem::FormExpired);
        let about = (self.browser(), paths::REGISTER_FINISH);
        let seal = || kept_password::seal(app, about, "new_password", self.password(app).expose(), self.context.now);
        if is_another && problems != RegisterFinishProblems::default() { seal() } else { None }
    }

    fn ask(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        link: &Link,
        typed: &Typed,
        problems: RegisterFinishProblems,
    ) -> Result<Reply, PageError> {
        let request = link.content.request().map(Params::parse);
        let client = request.as_ref().and_then(|request| request.get("client_id"));
        let client = client.map(|id| clients::find(connection, id)).transpose()?.flatten();
        let owner = self.owner();
        let kept = self.kept(app, problems);
        let signed_in = session::current(app, connection, self.session.as_deref(), self.context.now)?;
        let signed_in = signed_in.map(|session| users::find(connection, session.user_id)).transpose()?.flatten();
        let page = RegisterFinish {
            layout: self.layout(app),
            client_name: client.as_ref().map(|client| client.settings.client_name.as_str()),
            signed_in: signed_in.as_ref().map(|user| user.claims.username.as_str()),
            email: link.email.as_deref().unwrap_or_default(),
            username: &typed.username,
            display_name: &typed.display_name,
            kept: kept.as_deref(),
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
        let reply = self.keeping(app, &owner, page::show(status, &page, None));
        Ok(match problems.form {
            Some(FormProblem::SlowedDown { seconds }) => reply.with(header::RETRY_AFTER, &seconds.to_string()),
            _ => reply,
        })
    }
}
