//! Claimed names: which of several engines sees to a schedule, and which events were seen.
//!
//! It knows nothing of what a name stands for.

use redb::{ReadableTable, ReadableTableMetadata};
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    progress::Lease,
    rows::{find, instant, unreadable},
    tables::Tables,
};

/// Claims that are over and forgotten with each new one: more than come in, so that what is kept
/// stays as small as what is claimed.
const FORGOTTEN: usize = 2;
/// Most claims kept.
const MAX_CLAIMS: u64 = 100_000;

impl Store {
    /// Claims a name (`schedule:7`, `event:abc`) for `owner` until `lease_until`; false where
    /// another owner's lease is not over. Claiming one's own again extends it.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "engines that share a store will claim by it")
    )]
    pub(crate) async fn claim(
        &self,
        name: &str,
        owner: &str,
        now: OffsetDateTime,
        lease_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let name = name.to_owned();
        let lease = Lease::new(owner, lease_until);
        let claim = move |tables: &mut Tables<'_>| {
            let held: Option<Lease> = find(tables.claims.open()?, name.as_str())?;
            if held.is_some_and(|held| held.owner != lease.owner && !held.is_over(now)) {
                return Ok(false);
            }
            put(tables, &name, &lease, now)?;
            Ok(true)
        };
        self.write(claim).await
    }
}

/// Whether a name is claimed by anybody.
pub(super) fn is_claimed(
    tables: &Tables<'_>,
    name: &str,
    now: OffsetDateTime,
) -> Result<bool, StoreError> {
    let held: Option<Lease> = find(tables.claims.open()?, name)?;
    Ok(held.is_some_and(|held| !held.is_over(now)))
}

/// Claims a name, in place of who had it. Of too many claims those that end first go.
pub(super) fn put(
    tables: &mut Tables<'_>,
    name: &str,
    lease: &Lease,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let over = over(tables, now)?;
    forget(tables, name)?;
    for name in over {
        forget(tables, &name)?;
    }
    tables.claim_ends.put((instant(lease.until), name), ())?;
    tables.claims.put_json(name, lease)
}

/// A few names whose lease is over, or whose lease ends first where there are too many.
fn over(tables: &Tables<'_>, now: OffsetDateTime) -> Result<Vec<String>, StoreError> {
    let full = tables.claims.open()?.len().map_err(unreadable)? >= MAX_CLAIMS;
    let ends = (i128::MIN, "")..(if full { i128::MAX } else { instant(now) }, "");
    let rows = tables.claim_ends.open()?.range(ends).map_err(unreadable)?;
    rows.take(FORGOTTEN).map(|row| Ok(row.map_err(unreadable)?.0.value().1.to_owned())).collect()
}

fn forget(tables: &mut Tables<'_>, name: &str) -> Result<(), StoreError> {
    if let Some(held) = find::<_, Lease>(tables.claims.open()?, name)? {
        tables.claim_ends.remove((instant(held.until), name))?;
        tables.claims.remove(name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures::{after, memory};

    #[tokio::test]
    async fn a_name_is_one_owners_until_its_lease_is_over() {
        let store = memory().await;
        let claim = async |name, owner, now, until| {
            store.claim(name, owner, after(now), after(until)).await.unwrap()
        };
        assert!(claim("event:a", "one", 0, 10).await);
        assert!(!claim("event:a", "two", 9, 30).await);
        assert!(claim("event:b", "two", 9, 30).await);
        assert!(claim("event:a", "one", 9, 20).await, "one's own again");
        assert!(!claim("event:a", "two", 19, 30).await);
        assert!(claim("event:a", "two", 20, 30).await);
        assert!(!claim("event:a", "one", 29, 40).await);
    }

    #[tokio::test]
    async fn what_is_over_is_forgotten() {
        let store = memory().await;
        for n in 0..40 {
            let name = format!("event:{n}");
            assert!(store.claim(&name, "one", after(n), after(n + 5)).await.unwrap());
        }
        let kept = store.read(|tables| {
            let names = tables.open(crate::store::tables::CLAIMS)?.len().map_err(unreadable)?;
            Ok((names, tables.open(crate::store::tables::CLAIM_ENDS)?.len().map_err(unreadable)?))
        });
        let (names, ends) = kept.await.unwrap();
        assert!(names == ends && (5..10).contains(&names), "{names} {ends}");
    }
}
