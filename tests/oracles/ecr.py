"""Runs moto, an emulator of AWS that is not ours, with signatures and permissions checked.

Prints one JSON line, {"address", "access_key", "secret"}, of a user who may do everything in ECR.
Then reads JSON lines, {"call", "with"}, makes each call of ECR as that user by boto3, and prints
its answer. Ends with its input.
"""

import json
import logging
import os
import sys

# Before moto is loaded: the first three calls, which make the user, are not checked.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "3"

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

REGION = "us-east-1"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}],
}


def client(service, url, key="anybody", secret="anything"):
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


def user(url):
    iam = client("iam", url)
    iam.create_user(UserName="portolan")
    key = iam.create_access_key(UserName="portolan")["AccessKey"]
    policy = json.dumps(POLICY)
    iam.put_user_policy(UserName="portolan", PolicyName="ecr", PolicyDocument=policy)
    return key["AccessKeyId"], key["SecretAccessKey"]


def say(value):
    print(json.dumps(value, default=str), flush=True)


logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
key, secret = user(url)
say({"address": f"{host}:{port}", "access_key": key, "secret": secret})
ecr = client("ecr", url, key, secret)
for line in sys.stdin:
    asked = json.loads(line)
    say(getattr(ecr, asked["call"])(**asked["with"]))
