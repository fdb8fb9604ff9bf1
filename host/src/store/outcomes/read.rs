//! How the runs of each policy ended, for those who ask.

use portolan_core::id::PolicyId;
use redb::ReadableTable;

use super::{
    super::{
        Store, StoreError,
        rows::{decode, unreadable},
        tables::{OUTCOMES, Snapshot},
    },
    Outcomes,
};

impl Store {
    /// How the runs of every policy ended, by ascending id.
    pub(crate) async fn outcomes(&self) -> Result<Vec<(PolicyId, Outcomes)>, StoreError> {
        let list = |tables: &Snapshot| {
            let table = tables.open(OUTCOMES)?;
            let rows = table.iter().map_err(unreadable)?;
            rows.map(|row| {
                let (id, outcomes) = row.map_err(unreadable)?;
                Ok((PolicyId(id.value()), decode(outcomes.value())?))
            })
            .collect()
        };
        self.read(list).await
    }
}
