//! Passkeys whose model its maker has attested: the models that the operator lists, and the roots of their makers.

use std::collections::BTreeMap;

use webauthn_rs_core::proto::{AttestationCaList, AttestationCaListBuilder, AttestationMetadata};

use super::{Error, failed};
use crate::config::HardwarePasskeys;

/// The listed models.
pub struct Hardware {
    models: Vec<String>,
    roots: AttestationCaList,
}

impl Hardware {
    /// Those of the configuration.
    pub fn read(settings: &HardwarePasskeys) -> Result<Self, Error> {
        let mut builder = AttestationCaListBuilder::new();
        for root in &settings.roots {
            for model in &settings.models {
                let aaguid = model.parse().map_err(failed)?;
                builder.insert_device_der(root, aaguid, model.clone(), BTreeMap::new()).map_err(failed)?;
            }
        }
        Ok(Self { models: settings.models.clone(), roots: builder.build() })
    }

    /// The roots that attestations must lead to.
    pub const fn roots(&self) -> &AttestationCaList {
        &self.roots
    }

    /// Whether this model is listed.
    pub fn has(&self, model: &str) -> bool {
        self.models.iter().any(|one| one == model)
    }
}

/// The model that an attestation vouches for.
pub fn model(attested: &AttestationMetadata) -> Option<String> {
    match attested {
        AttestationMetadata::Packed { aaguid } | AttestationMetadata::Tpm { aaguid, .. } => Some(aaguid.to_string()),
        _ => None,
    }
}
