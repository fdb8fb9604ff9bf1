//! What endpoints may be filtered and ordered by: the columns of Harbor's registry table and, where
//! they differ from them, its Go field names (contract 1.6). `status` is none of them.

use std::borrow::Cow;

use super::{Endpoint, Health};
use crate::page::{Column, Field};

impl Endpoint {
    /// Names of the columns, in the order of [`values`](Self::values).
    pub const COLUMNS: &'static [Column] = &[
        ("id", None),
        ("name", None),
        ("description", None),
        ("type", None),
        ("url", None),
        ("credential_type", None),
        ("insecure", None),
        ("health", Some("Status")),
        ("creation_time", None),
        ("update_time", None),
    ];

    /// The value of each column.
    #[must_use]
    pub fn values(&self) -> [Field<'_>; 10] {
        let spec = &self.spec;
        let text = |text| Field::Text(Cow::Borrowed(text));
        [
            Field::Int(i64::try_from(self.id.0).unwrap_or(i64::MAX)),
            text(&spec.name),
            text(&spec.description),
            text(&spec.provider),
            text(spec.url.as_str()),
            text(&spec.credential_type),
            Field::Bool(spec.insecure),
            text(match self.health {
                Health::Healthy => "healthy",
                Health::Unhealthy(_) => "unhealthy",
                Health::Unknown => "",
            }),
            Field::Time(self.created),
            Field::Time(self.updated),
        ]
    }
}
