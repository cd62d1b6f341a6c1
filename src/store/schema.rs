//! The tables as Diesel sees them: the same for both databases. The migrations define them; each table's twin is there.

diesel::table! { meta (name) { name -> Text, value -> Text, } }

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        public_jwk -> Text,
        sealed_key -> Binary,
        created_at -> BigInt,
        signs_from -> BigInt,
    }
}

diesel::table! {
    users (id) {
        id -> Binary,
        username -> Text,
        email -> Nullable<Text>,
        email_verified -> Bool,
        display_name -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        disabled_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
        roles -> Text,
        groups -> Text,
        attributes -> Text,
        signed_in_at -> Nullable<BigInt>,
        sign_in_again_at -> Nullable<BigInt>,
        subject -> Nullable<Text>,
        user_handle -> Nullable<Binary>,
    }
}

diesel::table! {
    clients (id) {
        id -> Text,
        name -> Text,
        secret_hash -> Nullable<Binary>,
        disabled_at -> Nullable<BigInt>,
        created_at -> BigInt,
        previous_secret_hash -> Nullable<Binary>,
        backchannel_logout_uri -> Nullable<Text>,
        settings -> Text,
    }
}

diesel::table! { client_origins (origin, client_id) { origin -> Text, client_id -> Text, } }

diesel::table! {
    sessions (id) {
        id -> Binary,
        user_id -> Binary,
        generation -> BigInt,
        auth_time -> BigInt,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        user_agent -> Nullable<Text>,
        address -> Nullable<Text>,
        amr -> Text,
        remembered -> Bool,
        device_id -> Nullable<Text>,
        place -> Nullable<Text>,
        proofs -> Nullable<Text>,
    }
}

diesel::table! {
    consents (user_id, client_id) {
        user_id -> Binary,
        client_id -> Text,
        scopes -> Text,
        audiences -> Text,
        granted_at -> BigInt,
        given_by -> Text,
    }
}

diesel::table! {
    grants (id) {
        id -> Binary,
        client_id -> Text,
        user_id -> Binary,
        session_id -> Nullable<Binary>,
        sid -> Binary,
        generation -> BigInt,
        scopes -> Text,
        audiences -> Text,
        redirect_uri -> Text,
        redirect_uri_sent -> Bool,
        code_challenge -> Nullable<Text>,
        nonce -> Nullable<Text>,
        dpop_jkt -> Nullable<Text>,
        auth_time -> BigInt,
        created_at -> BigInt,
        rotated_at -> Nullable<BigInt>,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        end_reason -> Nullable<Text>,
        subject -> Nullable<Text>,
        amr -> Text,
        claims -> Nullable<Text>,
        device_name -> Nullable<Text>,
        address -> Nullable<Text>,
        place -> Nullable<Text>,
        user_agent -> Nullable<Text>,
    }
}

diesel::table! {
    rate_limits (key) {
        key -> Binary,
        amount -> BigInt,
        updated_at -> BigInt,
        next_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    apis (uri) {
        uri -> Text,
        name -> Text,
        scopes -> Text,
        created_at -> BigInt,
        token_typ -> Text,
        token_claims -> Text,
        min_acr -> Nullable<Text>,
    }
}

diesel::table! { revisions (name) { name -> Text, number -> BigInt, } }

diesel::table! { subjects (subject) { subject -> Text, user_id -> Binary, sector -> Text, } }

diesel::table! { used_assertions (key) { key -> Binary, expires_at -> BigInt, } }

diesel::table! { revoked_tokens (jti) { jti -> Text, expires_at -> BigInt, } }

diesel::table! {
    deliveries (id) {
        id -> Binary,
        kind -> Text,
        client_id -> Text,
        content -> Text,
        attempts -> BigInt,
        next_at -> BigInt,
        created_at -> BigInt,
        address -> Nullable<Text>,
    }
}

diesel::table! {
    deletions (kind, id) {
        kind -> Text,
        id -> Text,
        stage -> BigInt,
        position -> Nullable<Binary>,
        created_at -> BigInt,
    }
}

diesel::table! {
    devices (user_id, id) {
        user_id -> Binary,
        id -> Text,
        name -> Nullable<Text>,
        networks -> Text,
        first_seen_at -> BigInt,
        last_seen_at -> BigInt,
        trusted_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    grant_history (grant_id, id) {
        grant_id -> Binary,
        id -> Binary,
        event -> Text,
        at -> BigInt,
        generation -> BigInt,
        address -> Nullable<Text>,
        place -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        routine -> Bool,
    }
}

diesel::table! {
    activity (user_id, id) {
        user_id -> Binary,
        id -> Binary,
        kind -> Text,
        at -> BigInt,
        address -> Nullable<Text>,
        place -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        about -> Nullable<Text>,
        grant_id -> Nullable<Binary>,
        count -> BigInt,
    }
}

diesel::table! {
    links (id) {
        id -> Binary,
        kind -> Text,
        user_id -> Nullable<Binary>,
        email -> Nullable<Text>,
        browser -> Nullable<Binary>,
        content -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    client_refusals (id) {
        id -> Binary,
        client_id -> Text,
        endpoint -> Text,
        error -> Text,
        remedy -> Nullable<Text>,
        redirect_uri -> Nullable<Text>,
        count -> BigInt,
        last_at -> BigInt,
    }
}

diesel::table! {
    authenticators (id) {
        id -> Binary,
        user_id -> Binary,
        kind -> Text,
        name -> Nullable<Text>,
        credential_id -> Nullable<Binary>,
        content -> Binary,
        counter -> BigInt,
        model -> Nullable<Text>,
        synced -> Bool,
        attested -> Bool,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
    }
}

diesel::table! { resets (user_id) { user_id -> Binary, requested_at -> BigInt, due_at -> BigInt, } }

diesel::table! { leases (name) { name -> Text, holder -> Binary, until -> BigInt, } }

diesel::table! { sweep_cursors (name) { name -> Text, position -> Nullable<Binary>, begun_at -> BigInt, } }

diesel::allow_tables_to_appear_in_same_query!(
    grants,
    users,
    clients,
    sessions,
    revoked_tokens,
    devices,
    consents,
    apis,
    client_origins,
    revisions
);
