//! p
#[test]
fn t() {}
