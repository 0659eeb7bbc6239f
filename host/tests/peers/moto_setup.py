"""Fills a moto server with users and a role, turns its authorization on, prints the keys as JSON.

Usage: moto_setup.py https://ADDRESS:PORT CA_FILE
"""

import json
import ssl
import sys
import urllib.request

import boto3

REGION = "us-east-1"
MAY_ASK_FOR_TOKENS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["ecr:GetAuthorizationToken", "sts:*"],
                "Resource": "*",
            }
        ],
    }
)
ANYONE_MAY_ASSUME = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def main():
    endpoint, ca_file = sys.argv[1:]

    def client(service, **keys):
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=endpoint,
            verify=ca_file,
            **keys,
        )

    iam = client("iam", aws_access_key_id="setup", aws_secret_access_key="setup")
    permitted = new_user(iam, "permitted")
    iam.put_user_policy(
        UserName="permitted", PolicyName="tokens", PolicyDocument=MAY_ASK_FOR_TOKENS
    )
    unpermitted = new_user(iam, "unpermitted")
    role = iam.create_role(
        RoleName="puller", AssumeRolePolicyDocument=ANYONE_MAY_ASSUME
    )["Role"]
    iam.put_role_policy(
        RoleName="puller", PolicyName="tokens", PolicyDocument=MAY_ASK_FOR_TOKENS
    )
    sts = client(
        "sts",
        aws_access_key_id=permitted["access_key_id"],
        aws_secret_access_key=permitted["secret_access_key"],
    )
    session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="peers")
    assumed = session["Credentials"]
    require_authorization(endpoint, ca_file)
    print(
        json.dumps(
            {
                "permitted": permitted,
                "unpermitted": unpermitted,
                "assumed": {
                    "access_key_id": assumed["AccessKeyId"],
                    "secret_access_key": assumed["SecretAccessKey"],
                    "session_token": assumed["SessionToken"],
                },
            }
        )
    )


def new_user(iam, name):
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {
        "access_key_id": key["AccessKeyId"],
        "secret_access_key": key["SecretAccessKey"],
    }


def require_authorization(endpoint, ca_file):
    """From here on no action is free of a check; moto wants the number as plain text."""
    request = urllib.request.Request(
        endpoint + "/moto-api/reset-auth",
        data=b"0",
        headers={"Content-Type": "text/plain"},
    )
    context = ssl.create_default_context(cafile=ca_file)
    urllib.request.urlopen(request, context=context).close()


main()
