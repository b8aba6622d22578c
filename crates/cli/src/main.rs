//! The one binary `jackfield`.

fn main() {}
