//! The settings for passkeys: related origins, and the models that count as hardware. What they decide is `crate::passkeys`.

use std::{fs, path::PathBuf};

use rustls_pki_types::{CertificateDer, pem::PemObject};
use url::{Host, Url};

use super::{ConfigError, FileError, Settings, bad};
use crate::protocol::error::Invalid;

/// The settings for passkeys.
#[derive(Clone, Debug, Default)]
pub struct PasskeySettings {
    /// Origins besides the issuer's at which its passkeys may be used (Web Authentication Level 3 §5.11).
    pub related_origins: Vec<String>,
    /// The models that count as hardware.
    pub hardware: Option<HardwarePasskeys>,
}

/// The models that count as hardware, if their maker attests them.
#[derive(Clone)]
pub struct HardwarePasskeys {
    /// Their AAGUIDs, in lower case.
    pub models: Vec<String>,
    /// The file with the root certificates of their makers.
    pub ca_file: PathBuf,
    /// Those certificates, in DER.
    pub roots: Vec<Vec<u8>>,
}

impl std::fmt::Debug for HardwarePasskeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HardwarePasskeys({} models, {} roots)", self.models.len(), self.roots.len())
    }
}

impl PasskeySettings {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let related_origins = settings.passkey_related_origins.0.clone();
        for origin in &related_origins {
            if !is_origin(origin) {
                let expected = "expected the origin of a web page, as browsers send it: https://www.example.com";
                return Err(bad("passkey_related_origins", origin, expected));
            }
        }
        let models: Vec<_> = settings.hardware_passkey_models.0.iter().map(|model| model.to_ascii_lowercase()).collect();
        for model in &models {
            let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !model.split('-').map(str::len).eq([8, 4, 4, 4, 12]) || !model.split('-').all(is_hex) {
                let expected = "expected an AAGUID such as cb69481e-8ff7-4039-93ec-0a2729a154a8";
                return Err(bad("hardware_passkey_models", model, expected));
            }
        }
        let hardware = match (models.is_empty(), &settings.hardware_passkey_ca_file) {
            (true, None) => None,
            (true, Some(_)) => {
                return Err(ConfigError::new("hardware_passkey_ca_file", "expected hardware_passkey_models with it"));
            }
            (false, None) => {
                let expected = "expected hardware_passkey_ca_file with it: the root certificates that attest these models";
                return Err(ConfigError::new("hardware_passkey_models", expected));
            }
            (false, Some(path)) => {
                let read = || {
                    let pem = fs::read(path).map_err(|error| FileError::new(path, error))?;
                    let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
                    let refuse = |why: String| FileError::new(path, Invalid::from(why));
                    let roots = roots.map_err(|error| refuse(format!("expected certificates in PEM: {error}")))?;
                    if roots.is_empty() {
                        return Err(refuse("expected a certificate in PEM, received none".into()));
                    }
                    Ok(roots.iter().map(|root| root.to_vec()).collect())
                };
                let roots = read().map_err(|error: FileError| error.of_key("hardware_passkey_ca_file"))?;
                Some(HardwarePasskeys { models, ca_file: path.clone(), roots })
            }
        };
        Ok(Self { related_origins, hardware })
    }
}

/// Whether it is, letter for letter, an origin in which browsers allow passkeys.
fn is_origin(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    let is_local = url.host_str() == Some("localhost");
    let is_named = matches!(url.host(), Some(Host::Domain(_)));
    is_named && (url.scheme() == "https" || url.scheme() == "http" && is_local) && url.origin().ascii_serialization() == origin
}
