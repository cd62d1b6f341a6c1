//! Settings that have another name than they had. The former name is read as well, in a file and as a variable, and a warning says
//! what it is called now.

/// The former names and the present ones.
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
