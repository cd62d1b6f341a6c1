//! Who is signed in: the tokens stay here, and the browser has a cookie that says nothing. Also: that each session is refreshed in
//! time, by one request for all that wait.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use openidconnect::CsrfToken;
use sha2::{Digest, Sha256};

use crate::authorization::{Failure, Server, Tokens, User};

const LIFETIME: Duration = Duration::from_secs(8 * 3600);
/// After a refresh that failed.
const RETRY: Duration = Duration::from_secs(5);

/// In memory: after a restart everybody signs in again, without a password as long as the session at the authorization server lasts.
/// A real store (Redis, your database) goes here. Encrypt the tokens in it, and keep the lock of `refreshing` there too; if two
/// processes refresh at once nevertheless, Symbolon gives both the same new token.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<SessionId, Arc<Session>>>);

/// A hash of the cookie: whoever reads the store cannot use what is in it as a cookie.
pub type SessionId = [u8; 32];

pub struct Session {
    pub user: User,
    tokens: Mutex<Tokens>,
    /// Held by whoever refreshes: when it last failed.
    refreshing: Mutex<Option<Instant>>,
    ended: AtomicBool,
    ends_at: Instant,
}

/// Why there is no access token.
pub enum NoToken {
    /// The user has to sign in.
    SignedOut,
    /// The token is too old, and there is no new one at the moment. Nothing has ended.
    Unavailable,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn id(cookie: &str) -> SessionId {
    Sha256::digest(cookie.as_bytes()).into()
}

impl Sessions {
    /// Begins a session: its cookie. Always a new one: one that was there before the sign-in may be known to others.
    pub fn begin(&self, tokens: Tokens, user: User) -> String {
        let cookie = CsrfToken::new_random_len(32).secret().clone();
        let session = Session {
            user,
            tokens: Mutex::new(tokens),
            refreshing: Mutex::default(),
            ended: AtomicBool::new(false),
            ends_at: Instant::now() + LIFETIME,
        };
        let mut all = lock(&self.0);
        all.retain(|_, session| session.ends_at > Instant::now());
        all.insert(id(&cookie), Arc::new(session));
        cookie
    }

    /// The session of a cookie.
    pub fn find(&self, cookie: Option<&str>) -> Option<Arc<Session>> {
        self.get(&id(cookie?))
    }

    pub fn get(&self, id: &SessionId) -> Option<Arc<Session>> {
        let session = lock(&self.0).get(id)?.clone();
        (session.ends_at > Instant::now()).then_some(session)
    }

    /// Ends all sessions of which this is so; returns how many.
    pub fn remove(&self, is_so: impl Fn(&Session) -> bool) -> usize {
        let mut all = lock(&self.0);
        let before = all.len();
        all.retain(|_, session| {
            let stays = !is_so(session);
            if !stays {
                session.ended.store(true, Ordering::SeqCst);
            }
            stays
        });
        before - all.len()
    }

    /// Ends one.
    pub fn end(&self, session: &Session) {
        self.remove(|other| std::ptr::eq(other, session));
    }

    /// An access token that can be used. `refused` is one that the API did not take.
    pub fn access_token(&self, session: &Session, server: &Server, refused: Option<&str>) -> Result<String, NoToken> {
        let is_usable = |tokens: &Tokens| Some(tokens.access.as_str()) != refused && Instant::now() < tokens.expires_at;
        let is_due = |tokens: &Tokens| !is_usable(tokens) || Instant::now() >= tokens.refresh_at;
        let came = Instant::now();
        if !is_due(&lock(&session.tokens)) {
            return Ok(session.tokens().access);
        }
        // Twenty requests at once, one refresh: whoever comes while it is under way waits for it.
        let mut failed = lock(&session.refreshing);
        let tokens = session.tokens();
        if session.ended.load(Ordering::SeqCst) {
            return Err(NoToken::SignedOut);
        }
        if is_due(&tokens) && !failed.is_some_and(|at| at > came) {
            match server.refresh(&tokens) {
                Ok(new) => *lock(&session.tokens) = new,
                Err(Failure::Unavailable(error)) => {
                    eprintln!("not refreshed: {error}");
                    *failed = Some(Instant::now());
                    lock(&session.tokens).refresh_at = Instant::now() + RETRY;
                }
                Err(Failure::Refused(_) | Failure::Denied) => {
                    // It is over: signed out elsewhere, or revoked.
                    self.end(session);
                    return Err(NoToken::SignedOut);
                }
            }
        }
        let tokens = session.tokens();
        if session.ended.load(Ordering::SeqCst) {
            // Signed out while this was under way.
            server.revoke(&tokens);
            return Err(NoToken::SignedOut);
        }
        // The token at hand may be good for a while; if not, the user need not sign in again.
        if is_usable(&tokens) { Ok(tokens.access) } else { Err(NoToken::Unavailable) }
    }
}

impl Session {
    pub fn tokens(&self) -> Tokens {
        lock(&self.tokens).clone()
    }
}
