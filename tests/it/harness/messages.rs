//! A user's steps with e-mails: requesting them by a form, opening their link, and submitting the form it leads to.

use std::thread;

use symbolon::testing::{
    config::{Config, Registration},
    store::deliveries,
};

use super::{Behavior, Browser, MailServer, Page, ReceivedMessage, Server, databases, wait_until};

/// The cookie of an opened link.
pub const LINK: &str = "symbolon_link";

/// Runs a test on each database, with mail and with registration open to everyone.
pub fn with_mail(change: impl Fn(&mut Config), handle: impl Fn(&Server, &MailServer)) {
    for database in databases() {
        eprintln!("on {}", database.name);
        let mail = MailServer::start(Behavior::WELL);
        let server = Server::start(&database, |config| {
            (config.mail, config.registration) = (mail.settings(), Registration::Open);
            change(config);
        });
        handle(&server, &mail);
    }
}

/// Waits until every e-mail was sent, and every request for one was processed.
#[track_caller]
pub fn settled(server: &Server) {
    let late = server.now().plus(symbolon::testing::protocol::values::time::Span::from_seconds(86_400 * 366));
    let waiting = || server.store(|connection| deliveries::due_to_users(connection, late, 100));
    wait_until(|| waiting().is_empty(), || format!("{:?}", waiting()));
}

impl Browser {
    /// Submits the form at a path, with its action and its CSRF token.
    pub fn fill(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.get(path);
        assert_eq!(page.status, 200, "{page:?}");
        self.submit(&page, fields)
    }

    /// Submits the form of a page.
    pub fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let (action, csrf) = (page.attribute("form ", "action"), page.csrf());
        self.send("POST", &action, Some(&[&[("csrf", csrf.as_str())], fields].concat()))
    }

    /// Submits the form at a path that requests an e-mail, and returns the page that confirms the request.
    #[track_caller]
    pub fn ask_by(&mut self, path: &str, field: (&str, &str)) -> Page {
        let page = self.fill(path, &[field]);
        assert_eq!(page.status, 303, "{page:?}");
        let page = self.get(page.location());
        assert!(page.status == 200 && (page.is("recover-sent") || page.is("register-sent")), "{page:?}");
        page
    }

    /// Opens the link of an e-mail; returns the page it leads to.
    #[track_caller]
    pub fn open(&mut self, server: &Server, message: &ReceivedMessage) -> Page {
        let link = message.link().strip_prefix(&server.url).unwrap_or_else(|| panic!("not of {}: {message:?}", server.url));
        let page = self.get(link);
        if page.status != 303 {
            return page;
        }
        assert_eq!(Some(page.location()), link.split('?').next(), "the link does not stay in the address");
        let to = page.location().to_owned();
        self.get(&to)
    }

    /// Opens the link of the newest e-mail to an address, and submits the form there.
    #[track_caller]
    pub fn open_and_submit(&mut self, server: &Server, message: &ReceivedMessage, fields: &[(&str, &str)]) -> Page {
        let page = self.open(server, message);
        assert_eq!(page.status, 200, "{page:?}");
        self.submit(&page, fields)
    }

    /// Submits the form of a page this many times at once; returns the statuses, lowest first.
    pub fn submit_at_once(&self, page: &Page, fields: &[(&str, &str)], times: usize) -> Vec<u16> {
        let mut statuses: Vec<u16> = thread::scope(|scope| {
            let sent: Vec<_> = (0..times).map(|_| scope.spawn(|| self.clone().submit(page, fields).status)).collect();
            sent.into_iter().map(|sent| sent.join().unwrap()).collect()
        });
        statuses.sort_unstable();
        statuses
    }
}
