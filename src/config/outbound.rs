//! The settings for calls to URLs that clients registered: allowed networks and trusted certificates. The calls themselves are
//! `crate::outbound`.

use std::{fmt, fs, path::Path};

use ipnet::IpNet;
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::{ConfigError, FileError};
use crate::protocol::error::Invalid;

/// The settings for calls to URLs that clients registered.
#[derive(Clone, Default)]
pub struct OutboundSettings {
    /// Networks that may be called although they are not public.
    pub allow: Vec<IpNet>,
    /// Root certificates in PEM, trusted besides the public ones.
    pub ca_pem: Option<Vec<u8>>,
}

impl fmt::Debug for OutboundSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The same file may contain a private key.
        let ca_pem = self.ca_pem.as_ref().map(|pem| format!("{} bytes", pem.len()));
        f.debug_struct("OutboundSettings").field("allow", &self.allow).field("ca_pem", &ca_pem).finish()
    }
}

impl OutboundSettings {
    pub(super) fn read(allow: Vec<IpNet>, ca_file: Option<&Path>) -> Result<Self, ConfigError> {
        let read = |path: &Path| {
            let ca_pem = fs::read(path).map_err(|error| FileError::new(path, error))?;
            let settings = Self { allow: Vec::new(), ca_pem: Some(ca_pem) };
            settings.certificates().map(|_| settings.ca_pem).map_err(|why| FileError::new(path, why))
        };
        let ca_pem = ca_file.map(|path| read(path).map_err(|error| error.of_key("outbound_ca_file")));
        Ok(Self { allow, ca_pem: ca_pem.transpose()?.flatten() })
    }

    /// The root certificates to trust besides the public ones; none without `ca_pem`.
    ///
    /// # Errors
    /// The expected content, where `ca_pem` holds no certificate, or one that cannot be a root.
    pub fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Invalid> {
        let Some(pem) = &self.ca_pem else { return Ok(Vec::new()) };
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.map_err(|error| format!("expected certificates in PEM: {error}"))?;
        for certificate in &certificates {
            let added = RootCertStore::empty().add(certificate.clone());
            added.map_err(|error| format!("expected root certificates: {error}"))?;
        }
        if certificates.is_empty() { Err("expected a certificate in PEM, received none".into()) } else { Ok(certificates) }
    }
}
