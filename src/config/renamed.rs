//! Renamed settings. The old name is still read, in a file and as a variable, with a warning that tells the new name.

/// The old names and the new ones.
pub const RENAMED: [(&str, &str); 12] = [
    ("code_lifetime", "authorization_code_lifetime"),
    ("database_timeout", "database_pool_timeout"),
    ("ended_retention", "purge_after"),
    ("key_publish_lead", "signing_key_activation_delay"),
    ("outbound_allow", "outbound_allowlist"),
    ("password_concurrency", "password_hash_concurrency"),
    ("password_iterations", "password_hash_iterations"),
    ("password_memory_kib", "password_hash_memory_kib"),
    ("password_parallelism", "password_hash_parallelism"),
    ("place_header", "geo_header"),
    ("pool_size", "database_pool_size"),
    ("sign_out_ends_offline_access", "revoke_offline_access_on_logout"),
];
