//! How a call came to its end.

use jackfield_model::json::{InvalidRequest, Object};
use jackfield_model::limit;
use serde_json::{Value, json};

use super::participant::bounded;

/// Codes of results that published clients know. Others are taken as texts.
pub mod code {
    /// Somebody hung up.
    pub const SUCCESS: &str = "SUCCESS";
    /// The device is in another call, or declined.
    pub const DEVICE_BUSY: &str = "DEVICE_BUSY";
    /// Something took too long.
    pub const SESSION_TIMEOUT: &str = "SESSION_TIMEOUT";
    /// The caller may not call.
    pub const UNAUTHORIZED: &str = "UNAUTHORIZED";
    /// The call failed.
    pub const INTERNAL_ERROR: &str = "INTERNAL_ERROR";
}

/// The result of a call that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallResult {
    /// Why it ended, for programs.
    pub code: String,
    /// Why it ended, for people.
    pub message: String,
}

impl CallResult {
    /// A result.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }

    /// The form on the wire.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "code": self.code, "message": self.message })
    }

    /// Reads a result that an operator or a cloud names: a code, and a message that may be absent.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn read(object: &Object<'_>) -> Result<Self, InvalidRequest> {
        let code = bounded(object, "code", limit::RESULT_CODE_CHARS)?;
        if code.chars().any(char::is_control) {
            return Err(InvalidRequest("code holds a control character.".to_owned()));
        }
        let message = match object.get("message")? {
            None => String::new(),
            Some(_) => object.text("message")?.to_owned(),
        };
        let length = message.chars().count();
        if length > limit::CALL_TEXT_CHARS {
            let most = limit::CALL_TEXT_CHARS;
            return Err(InvalidRequest(format!(
                "message has {length} characters; at most {most} are allowed."
            )));
        }
        Ok(Self { code, message })
    }
}
