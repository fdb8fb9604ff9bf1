"""`harborapi`: asks for JSON, follows `Link` by itself, checks every answer against its models."""

import inspect
import re

from harborapi import HarborAsyncClient, HarborClient
from harborapi.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PreconditionFailed,
    Unauthorized,
)
from harborapi.models import (
    Configurations,
    Registry,
    RegistryCredential,
    RegistryPing,
    RegistryUpdate,
    ReplicationFilter,
    ReplicationPolicy,
    ReplicationTrigger,
    ReplicationTriggerSettings,
)

from ledger import Ledger
from sea import PASSWORD, wait_for

MANY = 23
OURS = re.compile(
    "registr(y|ies)|replication|^ping$|^health_check$|^get_system_|^get_current_user"
    "|^get_statistics$|^get_permissions$|^(get|update)_config$"
)


def ledger():
    functions = inspect.getmembers(HarborAsyncClient, inspect.iscoroutinefunction)
    return Ledger("harborapi", [name for name, _ in functions if OURS.search(name)])


def refused(kind, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except kind as error:
        assert error.errors and error.errors[0].message, f"{call} without a reason"
        return error.errors[0]
    raise AssertionError(f"{call} was not refused with {kind.__name__}")


def number(location):
    return int(location.rsplit("/", 1)[1])


def check(ledger, url, source, target, slow):
    api = f"{url}/api/v2.0"
    client = ledger.watch(HarborClient(url=api, username="admin", secret=PASSWORD))
    small_things(client, HarborClient(url=api, username="admin", secret="wrong"))
    ids = registries(client, source, target, slow)
    policy = policies(client, *ids[:2])
    executions(client, policy)
    stop(client, *ids[1:])
    clean(client)


def small_things(client, stranger):
    assert client.ping() == "Pong"
    health = client.health_check()
    assert health.status == "healthy" and {part.name for part in health.components} >= {"core"}
    info = client.get_system_info()
    assert info.harbor_version.startswith("v2.") and info.auth_mode == "db_auth"
    user = client.get_current_user()
    assert user.username == "admin" and user.sysadmin_flag
    assert stranger.ping() == "Pong"
    assert stranger.get_system_info().harbor_version is None
    assert refused(Unauthorized, stranger.get_current_user).code == "UNAUTHORIZED"
    refused(Unauthorized, stranger.get_registries)
    adapters = client.get_registry_adapters()
    assert adapters == sorted(adapters) and {"docker-registry", "harbor"} <= set(adapters), adapters
    providers = client.get_registry_providers().root
    assert providers["google-gcr"].credential_pattern.access_key_data == "_json_key"
    assert "docker-registry" not in providers, "a type without a pattern is absent"
    [volume] = client.get_system_volume_info().storage
    assert 0 < volume.free <= volume.total
    # This client looks at no status where it expects a file.
    assert b"NOT_FOUND" in bytes(client.get_system_certificate())
    assert not client.get_current_user_permissions(scope="/project/1")
    permissions = client.get_current_user_permissions(scope="/system", relative=True)
    assert ("registry", "create") in {(p.resource, p.action) for p in permissions}
    assert client.get_permissions().system == permissions
    assert client.get_statistics().total_repo_count == 0
    config = client.get_config()
    assert (config.auth_mode.value, config.auth_mode.editable) == ("db_auth", False)
    client.update_config(Configurations(auth_mode="db_auth"))
    assert refused(Forbidden, client.update_config, Configurations(read_only=True)).message


def registries(client, source, target, slow):
    def new(name, url, **more):
        return client.create_registry(Registry(name=name, url=url, type="docker-registry", **more))

    ids = [number(new(*one)) for one in [("source", source), ("target", target), ("slow", slow)]]
    assert refused(Conflict, new, "source", source).code == "CONFLICT"
    refused(BadRequest, new, "closed", "http://127.0.0.1:1")
    refused(BadRequest, client.create_registry, Registry(name="x", url=source, type="no-such"))
    shown = client.get_registry(ids[0])
    assert (shown.name, shown.url, shown.status, shown.type) == (
        "source",
        source,
        "healthy",
        "docker-registry",
    )
    client.update_registry(ids[0], RegistryUpdate(description="the source", insecure=True))
    shown = client.get_registry(ids[0])
    assert (shown.description, shown.insecure) == ("the source", True)
    login = RegistryCredential(type="basic", access_key="alice", access_secret="s3cret-of-alice")
    guarded = number(new("with-login", target, credential=login))
    credential = client.get_registry(guarded).credential
    assert (credential.access_key, credential.access_secret) == ("alice", "*****")
    client.check_registry_status(RegistryPing(id=ids[0]))
    client.check_registry_status(RegistryPing(type="docker-registry", url=target, insecure=False))
    refused(
        BadRequest,
        client.check_registry_status,
        RegistryPing(type="docker-registry", url="http://127.0.0.1:1"),
    )
    refused(NotFound, client.check_registry_status, RegistryPing(id=999_999))
    info = client.get_registry_info(ids[0])
    triggers = ["manual", "scheduled", "event_based"]
    assert info.type == "docker-registry" and info.supported_triggers == triggers
    assert [f.type for f in info.supported_resource_filters] == ["name", "tag", "resource"]
    extra = [number(new(f"extra-{n:02}", target)) for n in range(MANY)]
    assert len(client.get_registries(query="name=~extra-")) == MANY, "every page, by its Link"
    assert len(client.get_registries(page_size=100)) == MANY + 4
    assert len(client.get_registries(query="name=~extra-", page_size=5, limit=7)) == 7
    assert [r.name for r in client.get_registries(name="extra-22")] == ["extra-22"]
    descending = [r.id for r in client.get_registries(query="name=~extra-", sort="-id")]
    assert descending == sorted(extra, reverse=True)
    for id in [*extra, guarded]:
        client.delete_registry(id)
        refused(NotFound, client.get_registry, id)
    return ids


def policies(client, source, target):
    def policy(name, **more):
        return ReplicationPolicy(
            name=name, src_registry=Registry(id=source), dest_registry=Registry(id=target), **more
        )

    refused(BadRequest, client.create_replication_policy, policy(""))
    refused(
        NotFound,
        client.create_replication_policy,
        ReplicationPolicy(
            name="x", src_registry=Registry(id=source), dest_registry=Registry(id=999_999)
        ),
    )
    filters = [
        ReplicationFilter(type="name", value="team/**"),
        ReplicationFilter(type="tag", value="v*", decoration="matches"),
    ]
    body = policy(
        "first",
        filters=filters,
        enabled=True,
        override=True,
        dest_namespace="mirror",
        dest_namespace_replace_count=1,
    )
    first = number(client.create_replication_policy(body))
    refused(Conflict, client.create_replication_policy, body)
    shown = client.get_replication_policy(first)
    assert (shown.src_registry.id, shown.dest_registry.name) == (source, "target")
    assert [(f.type, f.value) for f in shown.filters] == [("name", "team/**"), ("tag", "v*")]
    assert (shown.dest_namespace, shown.dest_namespace_replace_count, shown.enabled) == (
        "mirror",
        1,
        True,
    )
    cron = ReplicationTrigger(
        type="scheduled", trigger_settings=ReplicationTriggerSettings(cron="0 0 2 * * *")
    )
    client.update_replication_policy(first, policy("first", trigger=cron, description="nightly"))
    shown = client.get_replication_policy(first)
    assert (shown.trigger.trigger_settings.cron, shown.description) == ("0 0 2 * * *", "nightly")
    assert not shown.enabled and not shown.filters and shown.dest_namespace_replace_count == -1
    assert refused(PreconditionFailed, client.start_replication, first).code == "PRECONDITION"
    client.update_replication_policy(first, body)
    others = [
        number(client.create_replication_policy(policy(f"other-{n:02}"))) for n in range(MANY)
    ]
    assert len(client.get_replication_policies(query="name=~other-")) == MANY
    newest = client.get_replication_policies(page_size=100)[0]
    assert newest.id == others[-1], "newest first"
    assert [p.id for p in client.get_replication_policies(name="first")] == [first]
    for id in others:
        client.delete_replication_policy(id)
    refused(NotFound, client.get_replication_policy, others[0])
    refused(PreconditionFailed, client.delete_registry, source)
    return first


def ended(client, execution):
    def probe():
        shown = client.get_replication(execution)
        return shown if shown.status != "InProgress" else None

    return wait_for("the execution ends", probe)


def executions(client, policy):
    execution = number(client.start_replication(policy))
    shown = ended(client, execution)
    assert (shown.status, shown.total, shown.succeed, shown.failed) == ("Succeed", 1, 1, 0), shown
    assert (shown.policy_id, shown.trigger) == (policy, "manual")
    tasks = client.get_replication_tasks(execution)
    assert [(t.status, t.operation, t.resource_type) for t in tasks] == [
        ("Succeed", "copy", "image")
    ]
    assert tasks[0].src_resource.startswith("team/app [2 item"), tasks[0]
    assert tasks[0].dst_resource.startswith("mirror/app ["), tasks[0]
    assert "v1" in client.get_replication_task_log(execution, tasks[0].id)
    refused(NotFound, client.get_replication_task_log, execution, 999_999)
    again = number(client.start_replication(policy))
    ended(client, again)
    listed = client.get_replications(policy_id=policy)
    assert [e.id for e in listed] == [again, execution], "newest first"
    assert len(client.get_replications(policy_id=policy, status="Succeed", trigger="manual")) == 2
    assert client.get_replications(policy_id=policy, status="Failed") == []
    client.stop_replication(execution)
    assert (
        client.get_replication(execution).status == "Succeed"
    ), "stopping what is over does nothing"
    refused(NotFound, client.start_replication, 999_999)
    refused(NotFound, client.stop_replication, 999_999)


def stop(client, target, slow):
    body = ReplicationPolicy(
        name="slow", enabled=True, src_registry=Registry(id=slow), dest_registry=Registry(id=target)
    )
    policy = number(client.create_replication_policy(body))
    execution = number(client.start_replication(policy))
    wait_for("its task runs", lambda: client.get_replication_tasks(execution, status="InProgress"))
    refused(PreconditionFailed, client.delete_replication_policy, policy)
    client.stop_replication(execution)
    shown = ended(client, execution)
    assert (shown.status, shown.stopped) == ("Stopped", 1), shown


def clean(client):
    for policy in client.get_replication_policies():
        client.delete_replication_policy(policy.id)
    for registry in client.get_registries():
        client.delete_registry(registry.id)
    assert client.get_replications() == [], "history goes with its policy"
