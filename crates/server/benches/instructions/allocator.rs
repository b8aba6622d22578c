//! The allocator of the program. It stands in a file of its own, so that what it costs is counted to who allocates.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
