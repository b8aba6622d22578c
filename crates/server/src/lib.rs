//! The account association service.
