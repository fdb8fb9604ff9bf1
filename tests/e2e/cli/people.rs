//! Users, tokens, the audit log, the key, backups, and what doctor says of a daemon.

use portolan_testregistry::Registry;

use super::session::Session;

#[tokio::test]
async fn people_and_what_they_look_after() {
    let hub = Registry::builder().start().await.unwrap();
    let mut session = Session::start("").await;
    session.name(&hub.url(), "http://HUB");
    for (name, text) in
        [("first", "first\n"), ("second", "second\n"), ("words", "a long sentence\n")]
    {
        session.file(name, text);
    }
    session
        .lines(
            "
            portolan user list
            portolan user list --server http://DAEMON --password-file first
            portolan user add ada --role operator --new-password-file first
            portolan user add ada --new-password-file first
            portolan user add Ada --new-password-file first
            portolan user add bob
            portolan user show ada
            portolan user show bob
            portolan user password --server http://DAEMON --user ada --password-file first --new-password-file second
            portolan user password --server http://DAEMON --user ada --password-file first --new-password-file second
            portolan user password ada --new-password-file first -o json
            portolan user edit ada --role viewer
            portolan user edit bob --role viewer
            portolan user remove admin
            portolan token list
            portolan token add ci --role viewer --expires 90d > ci.token
            portolan token add ci
            portolan token list
            portolan token list --server http://DAEMON --token-file ci.token
            portolan token show ci
            portolan token show none
            portolan endpoint add hub --url http://HUB --access-id ci --access-secret-file first
            portolan endpoint list --server http://DAEMON --token-file ci.token
            portolan endpoint list --server http://DAEMON --token-file first
            portolan key rotate --server http://DAEMON --token-file ci.token
            portolan key rotate
            portolan endpoint test hub
            portolan token remove ci
            portolan token remove ci
            portolan audit --noun key
            portolan audit --noun user --limit 2
            portolan audit --since yesterday
            portolan backup all.backup --passphrase-file words
            portolan backup all.backup --passphrase-file words
            portolan restore all.backup --data-dir again --passphrase-file words
            portolan restore all.backup --data-dir again --passphrase-file words
            portolan restore all.backup --data-dir more --passphrase-file first -o json
            portolan user remove ada
            portolan doctor --data-dir data
            portolan endpoint add down --url http://127.0.0.1:1 --unchecked
            chmod 755 data
            portolan doctor --data-dir data
            portolan doctor --server http://DAEMON --password-file first -o json
            ",
        )
        .await;
    session.end("people");
}
