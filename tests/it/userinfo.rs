//! userinfo.
