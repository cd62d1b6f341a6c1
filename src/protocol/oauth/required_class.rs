//! How strong a sign-in must be: by the request (`acr_values`, an essential `acr`), by the minimums of its client and its APIs, and by
//! those of the user's roles and groups and of everyone. The strictest decides. What follows for a user who has shown less (another
//! factor, adding one, or an error) is decided here as well, and nowhere else (OpenID Connect Core 3.1.2.1 and §5.5.1.1, RFC 9470 §5).

use std::collections::BTreeMap;

use super::authorization::AuthorizationRequest;
use crate::protocol::{account::authenticator::Owned, oidc::authentication::Class, values::time::Timestamp};

/// A minimum that an operator has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minimum {
    /// The class.
    pub class: Class,
    /// Since when it is required; until then users are only asked to get ready for it. `None` means always.
    pub from: Option<Timestamp>,
}

/// The minimums for users, whichever app they sign in to.
#[derive(Clone, Debug, Default)]
pub struct Minimums {
    /// For everyone.
    pub everyone: Option<Minimum>,
    /// For those who have a role.
    pub roles: BTreeMap<String, Minimum>,
    /// For the members of a group.
    pub groups: BTreeMap<String, Minimum>,
}

impl Minimums {
    /// The strictest of them: what this class meets depends on no user.
    #[must_use]
    pub fn strictest(&self) -> Option<Class> {
        self.everyone.iter().chain(self.roles.values()).chain(self.groups.values()).map(|minimum| minimum.class).max()
    }

    /// Whether they differ by the roles and groups of users.
    #[must_use]
    pub fn depend_on_users(&self) -> bool {
        !(self.roles.is_empty() && self.groups.is_empty())
    }

    /// Those that apply to a user with these roles and groups.
    fn of<'a>(&'a self, roles: &'a [String], groups: &'a [String]) -> impl Iterator<Item = Minimum> + 'a {
        let of_roles = roles.iter().filter_map(|role| self.roles.get(role));
        let of_groups = groups.iter().filter_map(|group| self.groups.get(group));
        self.everyone.iter().chain(of_roles).chain(of_groups).copied()
    }
}

/// Who requires a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredBy {
    /// The app, or an API that it wants to use.
    App,
    /// This server, of this user.
    Server,
}

/// What a sign-in must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequiredClass {
    /// By an essential `acr`.
    essential: Option<Class>,
    /// By the client or an API.
    of_app: Option<Class>,
    /// Of the user, by now.
    of_user: Option<Class>,
    /// Of the user, from a date on: the strictest, and the first date of one that strict.
    announced: Option<(Class, Timestamp)>,
    /// What the client would like, in order of preference.
    wished: Vec<Class>,
}

/// What follows from a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// What was shown is enough.
    Enough,
    /// The user can show more, up to this class.
    StepUp {
        /// The class.
        class: Class,
        /// Whether the request can go on without it.
        is_optional: bool,
    },
    /// The user has nothing to show this class with, and has to add it first.
    Enrol {
        /// The class.
        class: Class,
        /// Who requires it.
        by: RequiredBy,
        /// From when on; before, the user can go on without it.
        from: Option<Timestamp>,
    },
    /// The user cannot reach the class that the client requires as essential.
    Unreachable,
}

impl RequiredClass {
    /// By the request, its client and its APIs. An essential `acr` that no class satisfies is refused before (`next_step`).
    #[must_use]
    pub fn of_request(request: &AuthorizationRequest) -> Self {
        Self {
            essential: request.claims.essential_class().unwrap_or_default(),
            of_app: request.min_class,
            wished: request.wished_classes.clone(),
            ..Self::default()
        }
    }

    /// With the minimums for a user with these roles and groups.
    #[must_use]
    pub fn of_user(mut self, minimums: &Minimums, (roles, groups): (&[String], &[String]), now: Timestamp) -> Self {
        for Minimum { class, from } in minimums.of(roles, groups) {
            match from.filter(|from| *from > now) {
                None => self.of_user = self.of_user.max(Some(class)),
                Some(from) => {
                    let sooner = |(other, at): (Class, Timestamp)| other > class || other == class && at < from;
                    self.announced = self.announced.filter(|announced| sooner(*announced)).or(Some((class, from)));
                }
            }
        }
        self
    }

    /// The class without which nothing goes on.
    #[must_use]
    pub fn mandatory(&self) -> Option<Class> {
        self.essential.max(self.of_app).max(self.of_user)
    }

    /// What follows for a user who has shown this class; what they have is read only where that matters.
    ///
    /// # Errors
    /// Those of `owned`.
    pub fn weigh<E>(&self, shown: Option<Class>, owned: impl FnOnce() -> Result<Owned, E>) -> Result<Strength, E> {
        let (mandatory, announced) = (self.mandatory(), self.announced.map(|(class, _)| class));
        if mandatory.max(announced) <= shown && self.wished.first().is_none_or(|first| Some(*first) <= shown) {
            return Ok(Strength::Enough);
        }
        let reach = owned()?.strongest().max(shown);
        let wished = self.wished.iter().copied().find(|class| Some(*class) <= reach);
        if let Some(class) = mandatory.filter(|class| Some(*class) > shown) {
            return Ok(if self.essential > reach {
                Strength::Unreachable
            } else if Some(class) > reach {
                let by = if self.of_user >= Some(class) { RequiredBy::Server } else { RequiredBy::App };
                Strength::Enrol { class, by, from: None }
            } else {
                Strength::StepUp { class: wished.map_or(class, |wished| wished.max(class)), is_optional: false }
            });
        }
        if let Some(class) = wished.filter(|class| Some(*class) > shown) {
            return Ok(Strength::StepUp { class, is_optional: true });
        }
        Ok(match self.announced.filter(|(class, _)| Some(*class) > reach) {
            Some((class, from)) => Strength::Enrol { class, by: RequiredBy::Server, from: Some(from) },
            None => Strength::Enough,
        })
    }
}

/// The class that tokens tell, where a request names classes: the strongest of these that was shown, so that who compares it with
/// the requested value finds that (Core §5.5.1.1, RFC 9470 §5). Where some are essential, only these count. `None` means the class of
/// the sign-in.
#[must_use]
pub fn reported(request: &AuthorizationRequest, shown: Option<Class>) -> Option<Class> {
    let essential = request.claims.essential_acr.as_deref().filter(|values| !values.is_empty());
    let reported = match essential {
        Some(values) => values.iter().filter_map(|name| Class::from_name(name)).filter(|class| Some(*class) <= shown).max(),
        None => request.wished_classes.iter().copied().filter(|class| Some(*class) <= shown).max(),
    };
    reported.filter(|class| Some(*class) != shown)
}

#[cfg(test)]
#[path = "required_class_tests.rs"]
mod tests;
