//! One behaviour suite for every adapter.
