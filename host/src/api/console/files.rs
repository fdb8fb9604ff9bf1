//! The console's files, by their path below `host/console`; a test holds the list against the folder.
//! `index.html` is not among them: it is the page itself.

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../../../console/", $name)))),*]
    };
}

/// Name and content of each file.
pub(super) const FILES: &[(&str, &[u8])] = files![
    "app.css"
    "icon.svg"
    "js/api.js"
    "js/app.js"
    "js/format.js"
    "js/load.js"
    "js/main.js"
    "js/notice.js"
    "js/pages.js"
    "js/pages/audit.js"
    "js/pages/executions.js"
    "js/pages/login.js"
    "js/pages/plugins.js"
    "js/pages/plugins/approval.js"
    "js/pages/registries.js"
    "js/pages/registries/advanced.js"
    "js/pages/registries/browse.js"
    "js/pages/registries/credentials.js"
    "js/pages/registries/draft.js"
    "js/pages/registries/form.js"
    "js/pages/registries/settings.js"
    "js/pages/replications.js"
    "js/pages/system.js"
    "js/pages/tokens.js"
    "js/pages/tour.js"
    "js/pages/users.js"
    "js/providers.js"
    "js/route.js"
    "js/session.js"
    "js/tour.js"
    "js/ui/copy.js"
    "js/ui/dialog.js"
    "js/ui/field.js"
    "js/ui/icon.js"
    "js/ui/page.js"
    "js/ui/state.js"
    "js/ui/table.js"
    "js/usage.js"
    "js/view.js"
    "vendor/hooks.mjs"
    "vendor/htm.LICENSE.txt"
    "vendor/htm.mjs"
    "vendor/manifest.json"
    "vendor/preact.LICENSE.txt"
    "vendor/preact.mjs"
];
