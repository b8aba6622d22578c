//! What becomes of a change of the registry.

/// What became of a registry command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryOutcome {
    /// Done, or already so: then nothing was recorded.
    Done,
    /// An object with this id is there.
    Exists,
    /// No object with this id is there.
    NotFound,
    /// The organization that it should belong to is not there.
    NoSuchOrganization,
    /// The organization has a service provider with this logical id.
    LogicalIdTaken,
    /// The refresh token is another client's.
    RefreshTokenTaken,
    /// The client holds as many refresh tokens as it may.
    TooManyRefreshTokens,
    /// The authorization code was redeemed before. The refresh token of that redemption is gone now.
    CodeSpent,
    /// The refresh token was replaced before. The one that is in its place is gone now.
    RefreshTokenReused,
    /// The service provider has a network mapping.
    NetworkExists,
    /// The service provider has no network mapping.
    NoNetwork,
    /// Other objects hang on it: any, or more than may go with it.
    InUse,
    /// There are as many admin tokens as there may be.
    TooManyAdminTokens,
    /// The organization has as many of these objects as its quota allows: so many.
    QuotaReached(u32),
    /// As many keys as there may be still count.
    TooManyKeys,
    /// There are as many webhooks as there may be.
    TooManyWebhooks,
}
