"""`harbor-api-client`: generated from Harbor's own API description, strict on answers' shapes."""

import harbor_client
from harbor_client.rest import ApiException

from sea import PASSWORD, wait_for


def refused(status, call, *arguments):
    try:
        call(*arguments)
    except ApiException as error:
        assert error.status == status, (error.status, error.body)
        assert "message" in str(error.body), error.body
        return
    raise AssertionError(f"{call} was not refused with {status}")


def created(call, body):
    data, status, headers = call(body)
    assert (data, status) == (None, 201)
    return int(headers["Location"].rsplit("/", 1)[1])


def check(url, source, target, slow):
    settings = harbor_client.Configuration()
    settings.host, settings.username, settings.password = f"{url}/api/v2.0", "admin", PASSWORD
    client = harbor_client.ApiClient(settings)
    small_things(client)
    registries, policies = harbor_client.RegistryApi(client), harbor_client.ReplicationApi(client)
    new = lambda name, url: created(
        registries.create_registry_with_http_info,
        harbor_client.Registry(name=name, url=url, type="docker-registry"),
    )
    ids = [new("source", source), new("target", target), new("slow", slow)]
    of_registries(registries, ids[0], source)
    replicated(policies, *ids[:2])
    stopped(policies, ids[2], ids[1])
    for policy in policies.list_replication_policies():
        policies.delete_replication_policy(policy.id)
    for id in ids:
        registries.delete_registry(id)
        refused(404, registries.get_registry, id)


def small_things(client):
    assert harbor_client.PingApi(client).get_ping() == "Pong"
    assert harbor_client.HealthApi(client).get_health().status == "healthy"
    info = harbor_client.SysteminfoApi(client).get_system_info()
    assert info.harbor_version.startswith("v2."), info
    user = harbor_client.UserApi(client).get_current_user_info()
    assert user.username == "admin" and user.sysadmin_flag is True
    registries = harbor_client.RegistryApi(client)
    assert registries.list_registry_provider_types() == ["docker-registry", "harbor"]
    registries.list_registry_provider_infos()


def of_registries(registries, id, url):
    assert registries.get_registry(id).url == url
    registries.update_registry(id, harbor_client.RegistryUpdate(description="the source"))
    assert registries.get_registry(id).description == "the source"
    assert registries.get_registry_info(id).type == "docker-registry"
    registries.ping_registry(harbor_client.RegistryPing(id=id))
    refused(
        400,
        registries.ping_registry,
        harbor_client.RegistryPing(type="docker-registry", url="http://127.0.0.1:1"),
    )
    refused(
        409,
        registries.create_registry,
        harbor_client.Registry(name="source", url=url, type="docker-registry"),
    )
    listed, status, headers = registries.list_registries_with_http_info(
        page=1, page_size=2, sort="id"
    )
    assert (len(listed), status, headers["X-Total-Count"]) == (2, 200, "3")
    assert 'rel="next"' in headers["Link"] and 'rel="prev"' not in headers["Link"]
    assert registries.list_registries(q="name=target")[0].name == "target"


def policy(source, target, **more):
    sides = {
        "src_registry": harbor_client.Registry(id=source),
        "dest_registry": harbor_client.Registry(id=target),
    }
    return harbor_client.ReplicationPolicy(enabled=True, **sides, **more)


def replicated(policies, source, target):
    filters = [
        harbor_client.ReplicationFilter(type="name", value="{team,other}/app"),
        harbor_client.ReplicationFilter(type="label", value=["none"], decoration="excludes"),
    ]
    body = policy(source, target, name="p", filters=filters, override=True)
    id = created(policies.create_replication_policy_with_http_info, body)
    shown = policies.get_replication_policy(id)
    assert shown.filters[1].value == ["none"] and shown.dest_registry.id == target
    body.description = "changed"
    policies.update_replication_policy(id, body)
    assert policies.list_replication_policies(name="p")[0].description == "changed"
    execution = start(policies, id)
    shown = ended(policies, execution)
    assert (shown.status, shown.total, shown.succeed) == ("Succeed", 2, 2), shown
    assert [e.id for e in policies.list_replication_executions(policy_id=id)] == [execution]
    tasks = policies.list_replication_tasks(execution, status="Succeed")
    assert len(tasks) == 2 and all(task.end_time.year > 2000 for task in tasks)
    assert "v1" in policies.get_replication_log(execution, tasks[0].id)


def start(policies, id):
    body = harbor_client.StartReplicationExecution(policy_id=id)
    return created(policies.start_replication_with_http_info, body)


def ended(policies, execution):
    def probe():
        shown = policies.get_replication_execution(execution)
        return shown if shown.status != "InProgress" else None

    return wait_for("the execution ends", probe)


def stopped(policies, slow, target):
    id = created(
        policies.create_replication_policy_with_http_info, policy(slow, target, name="slow")
    )
    execution = start(policies, id)
    wait_for(
        "its task runs", lambda: policies.list_replication_tasks(execution, status="InProgress")
    )
    refused(412, policies.delete_replication_policy, id)
    assert policies.stop_replication(execution) is None
    assert ended(policies, execution).status == "Stopped"
