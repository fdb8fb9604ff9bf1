"""Uses a registry as azure-containerregistry, Microsoft's own library, does.

Arguments: host, proxy, file with the CA, file to upload as a blob. Lists repositories and the tags
of `team/app`, reads a manifest, pushes an artifact `from/sdk:v1`, and prints as JSON what it saw.
"""

import json
import sys
import time

from azure.containerregistry import ContainerRegistryClient
from azure.core.credentials import AccessToken


class Credential:
    def get_token(self, *_scopes, **_kwargs):
        return AccessToken("entra-token", int(time.time()) + 3600)


host, proxy, ca, blob = sys.argv[1:]
seen = {}
options = {"connection_verify": ca, "proxies": {"https": proxy}}
with ContainerRegistryClient(f"https://{host}", Credential(), **options) as client:
    seen["repositories"] = list(client.list_repository_names())
    tags = client.list_tag_properties("team/app")
    seen["tags"] = [[tag.name, tag.digest] for tag in tags]
    seen["manifest"] = client.get_manifest("team/app", "v1").digest
    with open(blob, "rb") as data:
        digest, size = client.upload_blob("from/sdk", data)
    config = {"mediaType": "application/octet-stream", "digest": digest, "size": size}
    media_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": []}
    seen["pushed"] = client.set_manifest("from/sdk", manifest, tag="v1")
print(json.dumps(seen))
