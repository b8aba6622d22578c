//! The schemas of bodies and identifiers. A test holds them to the types that they describe.

mod family;

use jackfield_model::wire::{AMAZON_ID_TYPE, LAST_PAGE_TOKEN};
use jackfield_model::{
    AmazonId, ClientId, Country, OrganizationId, ServiceProviderId, UnitId, Vertical, limit,
};
use serde_json::{Map, Value, json};

use super::admin_token;
use super::reference;

/// Every schema, by name.
pub(super) fn all() -> Value {
    let mut schemas = Map::new();
    for group in [
        identifiers(),
        public(),
        family::all(),
        login(),
        super::login::schemas(),
        accounts(),
        directory(),
        server(),
        super::inspect::schemas(),
    ] {
        let Value::Object(group) = group else { unreachable!("the groups are written as objects") };
        schemas.extend(group);
    }
    Value::Object(schemas)
}

fn prefixed(prefix: &str, alphabet: &str, text: &str) -> Value {
    let pattern = format!("^{}{alphabet}{{1,{}}}$", prefix.replace('.', "\\."), limit::ID_SUFFIX_CHARS);
    json!({ "type": "string", "pattern": pattern, "description": text })
}

fn named(names: impl Iterator<Item = &'static str>) -> Value {
    json!({ "type": "string", "enum": names.collect::<Vec<_>>() })
}

/// An object with these properties, of which some must be there.
pub(super) fn object(required: &[&str], properties: &Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

fn list(item: &str) -> Value {
    let items = json!({ "type": "array", "items": reference(item) });
    object(
        &["items"],
        &json!({ "items": items, "next_after": { "type": "string", "description": "Send it as `after` for the next page; absent on the last one." } }),
    )
}

fn name() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": limit::NAME_CHARS, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$" })
}

fn secret() -> Value {
    json!({ "type": "string", "minLength": limit::SECRET_MIN_BYTES, "maxLength": limit::SECRET_MAX_BYTES, "pattern": "^[!-~]*$" })
}

fn scopes() -> Value {
    let scope = json!({ "type": "string", "minLength": 1, "maxLength": limit::SCOPE_BYTES, "pattern": "^[!#-\\[\\]-~]+$" });
    json!({ "type": "array", "items": scope, "maxItems": limit::SCOPES })
}

fn redirect_uris() -> Value {
    json!({ "type": "array", "items": { "type": "string", "format": "uri", "maxLength": limit::REDIRECT_URI_BYTES }, "maxItems": limit::REDIRECT_URIS })
}

fn public_client() -> Value {
    json!({ "type": "boolean", "default": false, "description": "Whether it may redeem a code without its secret, given PKCE with S256." })
}

fn rate_limit() -> Value {
    json!({ "type": ["integer", "null"], "minimum": 0, "maximum": limit::RATE_LIMIT_MAX, "description": "Requests a second; 0 for no limit, absent or null for the server's default." })
}

fn identifiers() -> Value {
    let word = "[A-Za-z0-9._-]";
    let uuid = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
    json!({
        "ExternalUserId": {
            "type": "string",
            "minLength": 1,
            "maxLength": limit::EXTERNAL_USER_ID_CHARS,
            "pattern": "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]([^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f])?$",
            "description": "An endpoint of the provider's network: no control characters, no white space at the ends; compared byte for byte. A request may have an integer of at most 2^53 in its place, which is read as its decimal text.",
            "examples": ["7201", "TestUserId@test.com"],
        },
        "ExternalUserIdInRequest": {
            "anyOf": [
                reference("ExternalUserId"),
                {
                    "type": "integer",
                    "minimum": -limit::NUMERIC_ID_MAX.cast_signed(),
                    "maximum": limit::NUMERIC_ID_MAX,
                    "description": "Read as its decimal text; refused where server or organization are not lenient.",
                },
            ],
        },
        "AmazonId": prefixed(AmazonId::PREFIX, word, "An Alexa communication profile."),
        "UnitId": prefixed(UnitId::PREFIX, word, "A unit of a smart property."),
        "OrganizationId": prefixed(OrganizationId::PREFIX, word, "An organization."),
        "ClientId": prefixed(ClientId::PREFIX, "[A-Za-z0-9]", "A client."),
        "ServiceProviderId": {
            "type": "string",
            "pattern": format!("^{}{uuid}$", ServiceProviderId::PREFIX.replace('.', "\\.")),
            "description": "A service provider.",
        },
    })
}

fn public() -> Value {
    let association = json!({
        "externalUserId": reference("ExternalUserId"),
        "amazonId": reference("AmazonId"),
        "amazonIdType": { "const": AMAZON_ID_TYPE },
    });
    let mut requested = association.clone();
    requested["externalUserId"] = reference("ExternalUserIdInRequest");
    let ids = json!({ "type": "array", "items": reference("ExternalUserIdInRequest"), "minItems": 1, "maxItems": limit::QUERY_IDS, "description": "Absent: all of the provider's associations. Repeats collapse." });
    let context = json!({
        "maxResults": { "type": "integer", "minimum": 1, "maximum": limit::PAGE_MAX, "default": limit::PAGE_DEFAULT },
        "nextToken": { "type": "string", "description": "The `nextPageToken` of the page before, for the same provider and filter, at most 24 hours old." },
        "nextPageToken": { "type": "string", "description": "Another name of `nextToken`. Where both are there they must be the same." },
    });
    let answered = json!({
        "totalCount": { "type": "integer", "minimum": 0, "description": "Associations that match, over all pages." },
        "nextPageToken": { "type": "string", "description": format!("Opaque while more pages follow, `\"{LAST_PAGE_TOKEN}\"` on the last one, absent in the answer to that.") },
    });
    json!({
        "Association": object(&["externalUserId", "amazonId", "amazonIdType"], &association),
        "AssociationRequest": object(&["externalUserId", "amazonId", "amazonIdType"], &requested),
        "DeleteRequest": object(&["externalUserId"], &json!({ "externalUserId": reference("ExternalUserIdInRequest") })),
        "QueryRequest": object(&["filters"], &json!({
            "filters": object(&[], &json!({ "externalUserIds": ids })),
            "paginationContext": object(&[], &context),
        })),
        "QueryResponse": object(&["paginationContext", "accountAssociations"], &json!({
            "paginationContext": object(&["totalCount"], &answered),
            "accountAssociations": { "type": "array", "items": reference("Association"), "maxItems": limit::PAGE_MAX },
        })),
        "Error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {
                "type": { "type": "string", "enum": ["BAD_REQUEST", "UNAUTHORIZED", "FORBIDDEN", "NOT_FOUND", "METHOD_NOT_ALLOWED", "CONFLICT", "TOO_MANY_REQUESTS", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE"] },
                "message": { "type": "string", "description": "For people who debug; no program may depend on it." },
            },
            "additionalProperties": false,
        },
    })
}

fn login() -> Value {
    json!({
        "TokenRequest": object(&["grant_type"], &json!({
            "grant_type": { "type": "string", "enum": ["client_credentials", "refresh_token", "authorization_code"] },
            "client_id": reference("ClientId"),
            "client_secret": { "type": "string" },
            "scope": { "type": "string", "description": "Scopes separated by spaces; required for `client_credentials`, ignored for `refresh_token`." },
            "refresh_token": { "type": "string" },
            "code": { "type": "string", "description": "From the consent page; required for `authorization_code`." },
            "redirect_uri": { "type": "string", "description": "The one that the code was asked for with." },
            "code_verifier": { "type": "string", "description": "Required where the code was asked for with a `code_challenge`." },
        })),
        "Token": object(&["access_token", "token_type", "expires_in"], &json!({
            "access_token": { "type": "string", "minLength": limit::ISSUED_TOKEN_MIN_BYTES, "maxLength": limit::BEARER_TOKEN_BYTES, "pattern": "^Atza\\|[A-Za-z0-9_-]+$" },
            "token_type": { "const": "bearer" },
            "expires_in": { "type": "integer", "minimum": 0, "maximum": limit::ACCESS_TOKEN_MAX_SECONDS, "description": "Seconds." },
            "scope": { "type": "string" },
            "refresh_token": { "type": "string" },
        })),
        "GrantError": object(&["error", "error_description", "request_id"], &json!({
            "error": { "type": "string", "enum": ["invalid_request", "invalid_client", "invalid_grant", "invalid_scope", "unauthorized_client", "unsupported_grant_type", "invalid_token", "server_error", "temporarily_unavailable"] },
            "error_description": { "type": "string" },
            "request_id": { "type": "string", "format": "uuid" },
        })),
        "RefreshTokenId": { "type": "string", "pattern": "^[0-9a-f]{16}$", "description": "A refresh token, without giving it away." },
        "NewRefreshToken": object(&[], &json!({ "scopes": scopes() })),
        "RefreshToken": object(&["id", "issued", "consent"], &json!({
            "id": reference("RefreshTokenId"),
            "refresh_token": { "type": "string", "description": "Only in the answer to the creation." },
            "issued": { "type": "string", "format": "date-time" },
            "scopes": scopes(),
            "consent": { "type": "boolean", "description": "Whether it came from the consent page." },
            "by": { "type": "string", "description": "Who allowed it there, where that is known: a user's name, or an address." },
        })),
        "RefreshTokenList": list("RefreshToken"),
        "AdminTokenId": admin_token::id_schema(),
        "NewAdminToken": admin_token::new_schema(),
        "AdminToken": admin_token::schema(),
        "AdminTokenList": list("AdminToken"),
        "RevokeTokens": object(&[], &json!({ "refresh_tokens": { "type": "boolean", "default": false } })),
        "NewToken": object(&[], &json!({
            "scopes": scopes(),
            "expires_in": { "type": "integer", "minimum": 0, "maximum": limit::ACCESS_TOKEN_MAX_SECONDS, "default": limit::ACCESS_TOKEN_SECONDS },
        })),
    })
}

/// How much an organization may have.
fn quotas() -> Value {
    let quota = |default: u32, of: &str| json!({ "type": "integer", "minimum": 0, "maximum": limit::QUOTA_MAX, "default": default, "description": format!("Most {of}.") });
    json!({
        "type": "object",
        "additionalProperties": false,
        "description": "How much it may have. What is there already stays when a quota is lowered.",
        "properties": {
            "service_providers": quota(limit::QUOTA_SERVICE_PROVIDERS, "service providers"),
            "clients": quota(limit::QUOTA_CLIENTS, "clients"),
            "profiles": quota(limit::QUOTA_PROFILES, "communication profiles"),
        },
    })
}

fn accounts() -> Value {
    let country = named(Country::ALL.into_iter().map(Country::as_str).chain(["GB"]));
    let organization = json!({
        "id": reference("OrganizationId"),
        "name": name(),
        "country": country,
        "vertical": named(Vertical::ALL.into_iter().map(Vertical::as_str)),
        "webrtc": { "type": "boolean", "default": false, "description": "Whether it has the WebRTC add-on." },
        "strict_profiles": { "type": "boolean", "default": false, "description": "Whether associations must name a known profile of the organization." },
        "quotas": quotas(),
        "consent_password": { "type": "string", "minLength": limit::CONSENT_PASSWORD_MIN_CHARS, "maxLength": limit::CONSENT_PASSWORD_BYTES, "description": "The password of its consent page; never answered." },
        "has_consent_password": { "type": "boolean", "readOnly": true, "description": "Whether it has one." },
        "lenient": { "type": "boolean", "default": true, "description": "Whether numbers for an externalUserId and token parameters in the query string are taken; shown where they are not." },
    });
    let mut patch = organization.clone();
    for only_elsewhere in ["id", "has_consent_password"] {
        patch.as_object_mut().map(|patch| patch.remove(only_elsewhere));
    }
    patch["consent_password"]["type"] = json!(["string", "null"]);
    let client = json!({
        "id": reference("ClientId"),
        "organization_id": reference("OrganizationId"),
        "secret": { "type": "string", "description": "Only in the answer to the creation and to a rotation." },
        "scopes": scopes(),
        "rate_limit": rate_limit(),
        "redirect_uris": redirect_uris(),
        "enabled": { "type": "boolean" },
        "public": public_client(),
        "refresh_tokens": { "type": "integer", "minimum": 0, "maximum": limit::REFRESH_TOKENS },
    });
    let new_client = json!({
        "id": reference("ClientId"),
        "secret": secret(),
        "scopes": scopes(),
        "refresh_token": secret(),
        "rate_limit": rate_limit(),
        "redirect_uris": redirect_uris(),
        "public": public_client(),
    });
    let client_patch = json!({
        "scopes": scopes(),
        "rate_limit": rate_limit(),
        "redirect_uris": redirect_uris(),
        "enabled": { "type": "boolean" },
        "public": public_client(),
    });
    let display_name =
        json!({ "type": "array", "items": reference("DisplayName"), "maxItems": limit::DISPLAY_NAMES });
    json!({
        "Organization": object(&["name", "country", "vertical"], &organization),
        "OrganizationPatch": object(&[], &patch),
        "OrganizationList": list("Organization"),
        "Client": object(&["id", "organization_id", "scopes", "redirect_uris", "enabled", "refresh_tokens"], &client),
        "ClientList": list("Client"),
        "NewClient": object(&[], &new_client),
        "ClientPatch": object(&[], &client_patch),
        "DisplayName": object(&["locale", "value"], &json!({ "locale": name(), "value": name() })),
        "ServiceProvider": object(&["logical_id"], &json!({
            "id": reference("ServiceProviderId"),
            "organization_id": reference("OrganizationId"),
            "logical_id": name(),
            "display_name": display_name,
            "network": reference("Network"),
            "associations": { "type": "integer", "minimum": 0, "description": "Answered only." },
        })),
        "ServiceProviderPatch": object(&["display_name"], &json!({ "display_name": display_name })),
        "ServiceProviderList": list("ServiceProvider"),
        "Profile": object(&["unit"], &json!({
            "id": reference("AmazonId"),
            "organization_id": reference("OrganizationId"),
            "unit": reference("UnitId"),
            "name": name(),
        })),
        "ProfilePatch": object(&[], &json!({ "name": { "type": ["string", "null"], "minLength": 1, "maxLength": limit::NAME_CHARS } })),
        "ProfileList": list("Profile"),
    })
}

fn directory() -> Value {
    json!({
        "AssociationList": object(&["associations", "total_count"], &json!({
            "associations": { "type": "array", "items": reference("Association") },
            "total_count": { "type": "integer", "minimum": 0, "description": "All associations of the provider, whatever the prefix." },
            "next_after": { "type": "string", "description": "Send it as `after` for the next page; absent on the last one." },
        })),
        "Change": object(&["sequence", "time", "actor", "operation", "request_id"], &json!({
            "sequence": { "type": "integer", "minimum": 1 },
            "time": { "type": "string", "format": "date-time" },
            "actor": { "type": "string", "description": "A client id, `admin` or `seed`." },
            "operation": { "type": "string", "examples": ["association.create"] },
            "request_id": { "type": "string", "format": "uuid" },
            "service_provider_id": reference("ServiceProviderId"),
            "external_user_id": reference("ExternalUserId"),
            "subject": { "type": "string", "description": "The id of a changed object that is no association." },
            "before": { "description": "The amazonId of an association, or the object; null for nothing." },
            "after": { "description": "The amazonId of an association, or the object; null for nothing." },
        })),
        "ChangeList": object(&["changes", "next_after", "more"], &json!({
            "changes": { "type": "array", "items": reference("Change") },
            "next_after": { "type": "integer", "minimum": 0 },
            "more": { "type": "boolean" },
        })),
    })
}

fn server() -> Value {
    let count = || json!({ "type": "integer", "minimum": 0 });
    json!({
        "Maintenance": object(&["enabled"], &json!({
            "enabled": { "type": "boolean" },
            "retry_after": { "type": "integer", "minimum": 1, "maximum": limit::RETRY_AFTER_MAX_SECONDS, "default": 60, "description": "Seconds of the Retry-After header." },
        })),
        "Status": object(&["version", "store", "ready", "uptime_seconds", "maintenance"], &json!({
            "version": { "type": "string" },
            "store": { "type": "string", "enum": ["memory", "embedded", "postgres"] },
            "ready": { "type": "boolean" },
            "uptime_seconds": count(),
            "organizations": count(),
            "clients": count(),
            "service_providers": count(),
            "associations": count(),
            "last_change": count(),
            "disk_bytes": { "type": ["integer", "null"], "minimum": 0 },
            "clock_offset_seconds": { "type": "integer", "description": "How far the token clock is ahead of the system's." },
            "maintenance": reference("Maintenance"),
        })),
        "Health": object(&["status"], &json!({ "status": { "type": "string" } })),
        "Document": { "type": "object" },
        "Text": { "type": "string" },
    })
}
