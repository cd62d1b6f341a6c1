-- Why a grant ended is kept by name (protocol/grant/end_reason.rs), where it was a sentence. Stop the processes of the previous
-- version before it runs.
UPDATE grants SET revoked_why = CASE revoked_why
    WHEN 'the code was redeemed before; its grant and every token of it are now revoked' THEN 'code_reused'
    WHEN 'the refresh token was used before; its grant and every token of it are now revoked' THEN 'refresh_token_reused'
    WHEN 'the person ended it' THEN 'revoked_by_user'
    WHEN 'the person ended everything' THEN 'all_revoked_by_user'
    WHEN 'the person said that it was not them' THEN 'not_me'
    WHEN 'the person changed their password' THEN 'password_changed'
    WHEN 'the person''s password was reset' THEN 'password_reset'
    WHEN 'an operator took the password away' THEN 'password_removed'
    WHEN 'an operator had everyone of before sign in again' THEN 'sign_in_again'
    WHEN 'the person''s account was switched off' THEN 'user_disabled'
    WHEN 'the person was deleted' THEN 'user_deleted'
    WHEN 'consent was withdrawn' THEN 'consent_withdrawn'
    WHEN 'the session was ended' THEN 'session_ended'
    WHEN 'the client was deleted' THEN 'client_deleted'
    WHEN 'revoked by the client' THEN 'revoked_by_client'
    WHEN 'revoked on the command line' THEN 'revoked_by_operator'
    WHEN 'the person had to sign in again' THEN 'sign_in_again'
    ELSE 'other'
END
WHERE revoked_why LIKE '% %';
