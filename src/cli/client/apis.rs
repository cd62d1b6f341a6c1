//! The APIs in a client's settings, named as they are registered. Whether they are is `registered`.

use crate::protocol::oauth::{api::Api, client::ClientMetadata, resource};

/// Names APIs as they are registered: `https://api.example.com/` is the API `https://api.example.com`.
pub fn spell_apis(settings: &mut ClientMetadata, apis: &[Api]) {
    let registered: Vec<_> = apis.iter().map(|api| api.uri.clone()).collect();
    let spell = |list: &mut Vec<String>| {
        let spelled: Vec<_> = list.iter().map(|uri| resource::find(&registered, uri).unwrap_or(uri).clone()).collect();
        *list = once_each(&spelled);
    };
    spell(&mut settings.audiences);
    spell(&mut settings.introspects);
    settings.default_audiences.iter_mut().for_each(spell);
}

/// The values in order, without repetitions.
pub fn once_each(values: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(values.len());
    for value in values {
        if !kept.contains(value) {
            kept.push(value.clone());
        }
    }
    kept
}
