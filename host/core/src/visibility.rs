//! Whether what is made at a destination is public: as its sources are, private where they
//! disagree (Harbor's rule, contract 4.3).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{id::EndpointId, oci::Repository};

/// Who may pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Whoever is let.
    Private,
}

impl Visibility {
    /// What a listing tells; `None` where it does not.
    #[must_use]
    pub fn of(private: Option<bool>) -> Option<Self> {
        private.map(|private| if private { Self::Private } else { Self::Public })
    }

    /// As the plug-in interface has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// What the sources of each place at the destinations tell. A place is what stands before the
/// first slash of a name, the widest that a provider makes: Harbor's project, a namespace.
#[derive(Debug, Default)]
pub struct Visibilities {
    /// Whether all of it is public.
    places: HashMap<(EndpointId, String), bool>,
    /// Whether what comes from now on is private, whatever is told.
    gave_up: bool,
}

impl Visibilities {
    /// Notes a source of a repository at a destination.
    pub fn note(&mut self, to: EndpointId, name: &Repository, told: Option<Visibility>) {
        let public = told == Some(Visibility::Public);
        let all = self.places.entry((to, place(name))).or_insert(true);
        *all &= public;
    }

    /// Makes everything private from now on: there are too many sources to wait for all of them.
    pub fn give_up(&mut self) {
        self.gave_up = true;
    }

    /// Whether all is private from now on, so that there is nothing to wait for.
    #[must_use]
    pub fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// What a repository there is to be, made of a source that told this, once every source of its
    /// place was noted. `None` leaves it to the provider.
    #[must_use]
    pub fn decided(
        &self,
        to: EndpointId,
        name: &Repository,
        told: Option<Visibility>,
    ) -> Option<Visibility> {
        let all_public = self.places.get(&(to, place(name))).copied().unwrap_or_default();
        told.map(|told| if all_public && !self.gave_up { told } else { Visibility::Private })
    }
}

fn place(name: &Repository) -> String {
    name.components().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_4_3_private_where_sources_disagree() {
        use Visibility::{Private, Public};
        type Told = [Option<Visibility>];
        let to = EndpointId(2);
        let cases: [(&Told, &Told); 6] = [
            (&[Some(Public)], &[Some(Public)]),
            (&[Some(Public), Some(Public)], &[Some(Public), Some(Public)]),
            (&[Some(Private)], &[Some(Private)]),
            (&[Some(Public), Some(Private)], &[Some(Private), Some(Private)]),
            (&[Some(Public), None], &[Some(Private), None]),
            (&[None, None], &[None, None]),
        ];
        for (told, decided) in cases {
            let mut all = Visibilities::default();
            let name = |number: usize| format!("team/app-{number}").parse().unwrap();
            for (number, told) in told.iter().enumerate() {
                all.note(to, &name(number), *told);
            }
            // Other places do not matter.
            all.note(to, &"other/app".parse().unwrap(), Some(Private));
            all.note(EndpointId(3), &name(0), Some(Private));
            for (number, (told, decided)) in told.iter().zip(decided).enumerate() {
                assert_eq!(all.decided(to, &name(number), *told), *decided, "{told:?}");
            }
        }
        assert_eq!(Visibility::of(Some(false)), Some(Public));
        let unknown = Visibilities::default().decided(to, &"a/b".parse().unwrap(), Some(Public));
        assert_eq!(unknown, Some(Private));
    }

    #[test]
    fn without_the_rest_everything_is_private() {
        let (to, name) = (EndpointId(2), "team/app".parse().unwrap());
        let mut all = Visibilities::default();
        all.note(to, &name, Some(Visibility::Public));
        assert_eq!(all.decided(to, &name, Some(Visibility::Public)), Some(Visibility::Public));
        all.give_up();
        assert!(all.gave_up());
        assert_eq!(all.decided(to, &name, Some(Visibility::Public)), Some(Visibility::Private));
        assert_eq!(all.decided(to, &name, None), None);
    }
}
