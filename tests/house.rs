//! The rules of the code base, checked in milliseconds: who may import whom, what a file looks like, that both databases have the
//! same migrations, that the documents refer to what exists, and which words names are made of. A failure names the file and the
//! remedy. The invariants and their reasons are in `docs/architecture.md`; exceptions are listed here, each with its reason.

#[cfg(test)]
#[path = "house/accounts.rs"]
mod accounts;
#[cfg(test)]
#[path = "house/circles.rs"]
mod circles;
#[cfg(test)]
#[path = "house/clients.rs"]
mod clients;
#[cfg(test)]
#[path = "house/documents.rs"]
mod documents;
#[cfg(test)]
#[path = "house/errors.rs"]
mod errors;
#[cfg(test)]
#[path = "house/examples.rs"]
mod examples;
#[cfg(test)]
#[path = "house/files.rs"]
mod files;
#[cfg(test)]
#[path = "house/imports.rs"]
mod imports;
#[cfg(test)]
#[path = "house/licences.rs"]
mod licences;
#[cfg(test)]
#[path = "house/migrations.rs"]
mod migrations;
#[cfg(test)]
#[path = "house/pointers.rs"]
mod pointers;
#[cfg(test)]
#[path = "house/revisions.rs"]
mod revisions;
#[cfg(test)]
#[path = "house/rfc_index.rs"]
mod rfc_index;
#[cfg(test)]
#[path = "house/scaling.rs"]
mod scaling;
#[cfg(test)]
#[path = "house/source.rs"]
mod source;
#[cfg(test)]
#[path = "house/vocabulary.rs"]
mod vocabulary;
