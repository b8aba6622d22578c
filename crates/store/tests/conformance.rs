//! The behaviour suite on the adapters that need no server.

use jackfield_store::conformance::{Embedded, Memory};
use jackfield_store::conformance_suite;

conformance_suite!(memory, Memory);
conformance_suite!(embedded, Embedded::default());
