//! The APIs in a client's settings, named as they are registered. Whether they are is `registered`.

use crate::protocol::{
    oauth::{api::Api, client::ClientMetadata, resource},
    values::once_each::once_each,
};

/// Names APIs as they are registered: `https://api.example.com/` is the API `https://api.example.com`.
pub fn spell_apis(settings: &mut ClientMetadata, apis: &[Api]) {
    let registered: Vec<_> = apis.iter().map(|api| api.uri.clone()).collect();
    let spell = |list: &mut Vec<String>| {
        *list = once_each(list.iter().map(|uri| resource::find(&registered, uri).unwrap_or(uri).clone()));
    };
    spell(&mut settings.audiences);
    spell(&mut settings.introspects);
    settings.default_audiences.iter_mut().for_each(spell);
}
