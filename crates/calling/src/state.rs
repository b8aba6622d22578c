//! How far a call is, and who began it: the words of the admin API.

pub use jackfield_model::admin::{CallDirection as Direction, CallState};
