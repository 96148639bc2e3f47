//! What errors of the database mean.

/// True where the database ended a transaction because two waited for each other; done once more, it succeeds.
pub fn is_given_up(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("40P01" | "40001"))
}

/// What to do about an error at the start.
pub fn help(error: &sqlx::Error) -> &'static str {
    let code = error.as_database_error().and_then(|error| error.code());
    match (error, code.as_deref()) {
        (_, Some(code)) if code.starts_with("28") => {
            "check the user and the password (`password_file` under [state], JINGWEN_POSTGRES_PASSWORD_FILE, PGPASSWORD, ~/.pgpass)"
        }
        (_, Some("3D000")) => "make the database first: createdb",
        (_, Some(code)) if code.starts_with("42") => {
            "the user must own the database, or be allowed to make tables in it"
        }
        (sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut, _) => {
            "nobody answers there; check host and port, and that the server runs and lets this machine in"
        }
        (sqlx::Error::Configuration(_), _) => "write \"postgres://user@host/database\"",
        _ => "the database's log may say more",
    }
}
