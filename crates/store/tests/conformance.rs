//! The behaviour suite on every adapter.

use jackfield_store::conformance::{Embedded, Memory, Postgres};
use jackfield_store::conformance_suite;

conformance_suite!(memory, Memory);
conformance_suite!(embedded, Embedded::default());
conformance_suite!(postgres, Postgres::default());
