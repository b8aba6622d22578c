//! The OpenAPI document and its page.

use bytes::Bytes;

/// The document.
pub fn document_text() -> Bytes {
    Bytes::from_static(b"{}")
}

/// The page.
pub fn page() -> Bytes {
    Bytes::from_static(b"<!doctype html>")
}
