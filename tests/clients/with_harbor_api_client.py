"""`harbor-api-client`: generated from Harbor's own API description, strict on answers' shapes."""

import harbor_client
from harbor_client.rest import ApiException

from ledger import Ledger
from sea import PASSWORD, wait_for

WHOLE = ["RegistryApi", "ReplicationApi", "PingApi", "HealthApi", "SysteminfoApi", "ScheduleApi"]
WHOLE += ["StatisticApi", "PermissionsApi"]
SOME = ["get_current_user_info", "get_current_user_permissions", "get_configurations"]
SOME += ["update_configurations", "list_projects", "list_labels"]


def ledger():
    names = [name for api in WHOLE for name in vars(getattr(harbor_client, api))]
    whole = [n for n in names if not n.startswith("_") and not n.endswith("_with_http_info")]
    return Ledger("harbor-api-client", whole + SOME)


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


def check(ledger, url, source, target, slow):
    settings = harbor_client.Configuration()
    settings.host, settings.username, settings.password = f"{url}/api/v2.0", "admin", PASSWORD
    client = harbor_client.ApiClient(settings)
    api = lambda name: ledger.watch(getattr(harbor_client, name)(client))
    small_things(api)
    registries, policies = api("RegistryApi"), api("ReplicationApi")
    new = lambda name, url: created(
        registries.create_registry_with_http_info,
        harbor_client.Registry(name=name, url=url, type="docker-registry"),
    )
    ids = [new("source", source), new("target", target), new("slow", slow)]
    of_registries(registries, ids[0], source)
    replicated(policies, *ids[:2])
    scheduled(api("ScheduleApi"), policies, *ids[:2])
    stopped(policies, ids[2], ids[1])
    for policy in policies.list_replication_policies():
        policies.delete_replication_policy(policy.id)
    for id in ids:
        registries.delete_registry(id)
        refused(404, registries.get_registry, id)


def small_things(api):
    assert api("PingApi").get_ping() == "Pong"
    assert api("HealthApi").get_health().status == "healthy"
    system = api("SysteminfoApi")
    info = system.get_system_info()
    assert info.harbor_version.startswith("v2.") and info.current_time, info
    [volume] = system.get_volumes().storage
    assert 0 < volume.free <= volume.total
    refused(404, system.get_cert)
    user = api("UserApi").get_current_user_info()
    assert user.username == "admin" and user.sysadmin_flag is True
    permissions = api("UserApi").get_current_user_permissions(scope="/system", relative=True)
    assert ("registry", "create") in {(p.resource, p.action) for p in permissions}
    assert api("PermissionsApi").get_permissions().system == permissions
    assert api("StatisticApi").get_statistic().total_project_count == 0
    configure = api("ConfigureApi")
    assert configure.get_configurations().auth_mode.value == "db_auth"
    configure.update_configurations(harbor_client.Configurations(auth_mode="db_auth"))
    refused(403, configure.update_configurations, harbor_client.Configurations(read_only=True))
    assert api("ProjectApi").list_projects(page=1, page_size=1) == []
    assert api("LabelApi").list_labels(scope="g") == []
    registries = api("RegistryApi")
    types = registries.list_registry_provider_types()
    assert types == sorted(types) and {"docker-registry", "harbor"} <= set(types), types
    infos = registries.list_registry_provider_infos()
    assert infos["docker-hub"].endpoint_pattern.endpoints[0].value == "https://hub.docker.com"


def scheduled(schedules, policies, source, target):
    trigger = harbor_client.ReplicationTrigger(
        type="scheduled",
        trigger_settings=harbor_client.ReplicationTriggerSettings(cron="0 0 2 * * *"),
    )
    id = created(
        policies.create_replication_policy_with_http_info,
        policy(source, target, name="nightly", trigger=trigger),
    )
    [row] = schedules.list_schedules()
    assert (row.vendor_type, row.vendor_id, row.cron) == ("REPLICATION", id, "0 0 2 * * *")
    assert schedules.get_schedule_paused("all").paused is False
    policies.delete_replication_policy(id)
    assert schedules.list_schedules() == []


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
