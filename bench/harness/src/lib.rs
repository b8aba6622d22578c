//! Load, measurement and reports. What runs is in `src/bin`; decision 18 says why it is our own.
//!
//! Every system is driven by the same generator ([`load`]) with the same bytes ([`workload`]); what it costs is read
//! from the kernel ([`usage`]); what it answers is checked, so that none wins by answering wrong.

pub mod flushes;
pub mod latencies;
pub mod load;
pub mod machine;
pub mod measure;
pub mod paths;
pub mod plot;
pub mod postgres;
pub mod process;
pub mod protocol;
pub mod report;
pub mod response;
pub mod system;
pub mod usage;
pub mod workload;
