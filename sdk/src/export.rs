//! From the author's traits to the component's exports.
//!
//! Exports are emitted for WebAssembly only: a native `cdylib` with names such as
//! `ns:pkg/iface@0.1.0#f` does not link. Elsewhere the macro asserts the same bounds, so that a
//! native build finds the same mistakes.

use core::marker::PhantomData;

use crate::{
    Adapter, ForeignContent, Labels, Management, Notifications,
    bindings::{
        adapter::{
            exports::portolan::adapter::registry_adapter as ra,
            portolan::adapter::{
                http::ResponseHeader,
                types::{Endpoint, Error, KeyValue, PageRequest},
            },
        },
        foreign_content::exports::portolan::adapter::foreign_content as fc,
        labels::exports::portolan::adapter::labels as lb,
        management::exports::portolan::adapter::management as mg,
        notifications::exports::portolan::adapter::notifications as nt,
    },
};

/// Carries an author's type into the generated export traits.
#[doc(hidden)]
#[derive(Debug)]
pub struct Export<T>(PhantomData<T>);

impl<T: Adapter> ra::Guest for Export<T> {
    fn describe() -> ra::AdapterInfo {
        T::describe()
    }

    fn check_health(endpoint: Endpoint) -> Result<ra::Health, Error> {
        T::check_health(&endpoint)
    }

    fn list_repositories(
        endpoint: Endpoint,
        filter: ra::RepositoryFilter,
        page: PageRequest,
    ) -> Result<ra::RepositoryPage, Error> {
        let page = T::list_repositories(&endpoint, &filter, &page)?;
        Ok(ra::RepositoryPage { items: page.items, next: page.next, total: page.total })
    }

    fn list_artifacts(
        endpoint: Endpoint,
        repository: String,
        filter: ra::ArtifactFilter,
        page: PageRequest,
    ) -> Result<ra::ArtifactPage, Error> {
        let page = T::list_artifacts(&endpoint, &repository, &filter, &page)?;
        Ok(ra::ArtifactPage { items: page.items, next: page.next, total: page.total })
    }

    fn locate(endpoint: Endpoint, repository: String) -> Result<ra::Target, Error> {
        T::locate(&endpoint, &repository)
    }

    fn authorize(
        endpoint: Endpoint,
        scopes: Vec<ra::Scope>,
        challenge: Option<ra::Challenge>,
    ) -> Result<ra::Grant, Error> {
        T::authorize(&endpoint, &scopes, challenge.as_ref())
    }
}

impl<T: Management> mg::Guest for Export<T> {
    fn prepare_targets(
        endpoint: Endpoint,
        repositories: Vec<String>,
        metadata: Vec<KeyValue>,
    ) -> Vec<Result<(), Error>> {
        T::prepare_targets(&endpoint, &repositories, &metadata)
    }

    fn delete_tag(endpoint: Endpoint, repository: String, tag: String) -> Result<(), Error> {
        T::delete_tag(&endpoint, &repository, &tag)
    }

    fn delete_artifact(
        endpoint: Endpoint,
        repository: String,
        digest: String,
    ) -> Result<(), Error> {
        T::delete_artifact(&endpoint, &repository, &digest)
    }
}

impl<T: Labels> lb::Guest for Export<T> {
    fn list_labels(endpoint: Endpoint, page: PageRequest) -> Result<lb::LabelPage, Error> {
        T::list_labels(&endpoint, &page)
    }
}

impl<T: Notifications> nt::Guest for Export<T> {
    fn authentication() -> Vec<nt::DeliveryAuth> {
        T::authentication()
    }

    fn parse(
        endpoint: Endpoint,
        headers: Vec<ResponseHeader>,
        body: Vec<u8>,
    ) -> Result<Vec<nt::Event>, Error> {
        T::parse(&endpoint, &headers, &body)
    }
}

impl<T: ForeignContent> fc::Guest for Export<T> {
    fn resolve_chart(
        endpoint: Endpoint,
        repository: String,
        version: String,
    ) -> Result<fc::Chart, Error> {
        T::resolve_chart(&endpoint, &repository, &version)
    }
}

/// Makes a type the component's adapter: `export_adapter!(MyAdapter)`, or with optional
/// interfaces `export_adapter!(MyAdapter: management, labels)`.
///
/// The optional interfaces are `management`, `labels`, `notifications` and `foreign_content`; for
/// each the type must implement the trait of that name. What is not named is not exported, and
/// the host takes it that the provider cannot do it. Call it once per component.
#[macro_export]
macro_rules! export_adapter {
    ($adapter:ident $(: $($interface:ident),+ $(,)?)?) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, reason = "the component's export functions")]
        mod portolan_exports {
            type Exported = $crate::__private::Export<super::$adapter>;
            $crate::__private::bindings::adapter::export_registry_adapter!(
                Exported with_types_in $crate::__private::bindings::adapter
            );
            $($($crate::__export_interface!($interface, Exported);)+)?
        }

        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn is_adapter<T: $crate::Adapter>() {}
            is_adapter::<$adapter>();
            $($($crate::__assert_interface!($interface, $adapter);)+)?
        };
    };
}

/// Exports one optional interface; used by [`export_adapter!`] only.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_interface {
    (management, $exported:ident) => {
        $crate::__private::bindings::management::export_management!(
            $exported with_types_in $crate::__private::bindings::management
        );
    };
    (labels, $exported:ident) => {
        $crate::__private::bindings::labels::export_labels!(
            $exported with_types_in $crate::__private::bindings::labels
        );
    };
    (notifications, $exported:ident) => {
        $crate::__private::bindings::notifications::export_notifications!(
            $exported with_types_in $crate::__private::bindings::notifications
        );
    };
    (foreign_content, $exported:ident) => {
        $crate::__private::bindings::foreign_content::export_foreign_content!(
            $exported with_types_in $crate::__private::bindings::foreign_content
        );
    };
}

/// Asserts the trait of one optional interface; used by [`export_adapter!`] only.
#[doc(hidden)]
#[macro_export]
macro_rules! __assert_interface {
    (management, $adapter:ident) => {
        fn is_management<T: $crate::Management>() {}
        is_management::<$adapter>();
    };
    (labels, $adapter:ident) => {
        fn is_labels<T: $crate::Labels>() {}
        is_labels::<$adapter>();
    };
    (notifications, $adapter:ident) => {
        fn is_notifications<T: $crate::Notifications>() {}
        is_notifications::<$adapter>();
    };
    (foreign_content, $adapter:ident) => {
        fn is_foreign_content<T: $crate::ForeignContent>() {}
        is_foreign_content::<$adapter>();
    };
}
