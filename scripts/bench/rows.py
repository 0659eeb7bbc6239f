"""What is measured: one row of the table each, and the names and addresses that the rows need."""

import dataclasses

from bench.programs import ECR_LOGIN, FLOOR, KEYWARD, SDK

# The fakes take the port of HTTPS at addresses of loopback, since the peers cannot be told other endpoints than the real
# ones. Each has a region of its own.
REGIONS = {
    "aws": "us-east-1",
    "denied": "us-east-2",
    "expired-token": "us-west-1",
    "untrusted-certificate": "us-west-2",
    "not-json": "eu-west-1",
    "one-gibibyte": "eu-central-1",
    "endless-headers": "eu-north-1",
}
ADDRESSES = {server: f"127.0.0.{number}" for number, server in enumerate(REGIONS, start=4)}
HOSTS = {f"api.ecr.{region}.amazonaws.com": ADDRESSES[server] for server, region in REGIONS.items()}
METADATA = "127.0.0.3:80"
SERVERS = {server: f"{address}:443" for server, address in ADDRESSES.items()} | {"metadata": METADATA}
# Nobody listens there.
REFUSING = "127.0.0.3:81"

AT_ONCE = 40

EVERYBODY = (KEYWARD, ECR_LOGIN, SDK, FLOOR)
# The floor knows neither a cache nor other credentials than those of the environment, the SDK no cache.
WITH_A_CACHE = (KEYWARD, ECR_LOGIN)
WITH_SOURCES = (KEYWARD, ECR_LOGIN, SDK)

ANSWER = "an answer"
FAILURE = "a failure"
NOT_FOUND = "not found"


def registry(server, number=0):
    return f"{100000000000 + number}.dkr.ecr.{REGIONS[server]}.amazonaws.com"


@dataclasses.dataclass(frozen=True)
class Row:
    """One question, asked of several programs in the same circumstances."""

    name: str
    programs: tuple
    # The server of which connections and requests are counted, if one can be asked.
    server: str | None = "aws"
    host: str = registry("aws")
    # Static keys in the environment; without them there is the metadata service, at this address.
    metadata: str | None = None
    # Whether the metadata service gives no answers by the time that is measured.
    silent: bool = False
    cached: bool = True
    expected: str = ANSWER
    # What the peers do where that is something else.
    expected_of_peers: str | None = None
    # Those that take seconds here. They are left out of the quick form.
    slow: tuple = ()
    # How often those are run that take so long that nothing else is to be seen in their times.
    repeats: int = 3
    # Whether Keyward's own `miss` is run in turn, and what it takes compared with.
    beside_miss: bool = False
    rounds: int = 20

    def expected_from(self, program):
        of_peer = self.expected_of_peers if program != KEYWARD else None
        return of_peer or self.expected


def failing(name, server, **others):
    asked = {"server": server, "host": registry(server), "cached": False}
    return Row(name, WITH_SOURCES, **asked, expected=FAILURE, beside_miss=True, **others)


SILENT = {"metadata": METADATA, "silent": True, "slow": (ECR_LOGIN,)}

MISS = Row("miss", EVERYBODY, cached=False, rounds=50)

ROWS = [
    Row("no registry", WITH_A_CACHE, server=None, host="ghcr.io", expected=NOT_FOUND, rounds=50),
    Row("hit", WITH_A_CACHE, rounds=50),
    MISS,
    Row("no credentials, metadata refused", WITH_SOURCES, metadata=REFUSING, expected=FAILURE, slow=(ECR_LOGIN,)),
    Row("no credentials, metadata silent", WITH_SOURCES, **SILENT, expected=FAILURE),
    Row("hit, metadata silent", WITH_A_CACHE, **SILENT, expected_of_peers=FAILURE),
    failing("denied", "denied"),
    failing("expired token", "expired-token"),
    failing("bad certificate", "untrusted-certificate", slow=(ECR_LOGIN, SDK)),
    failing("answer is not JSON", "not-json"),
    failing("answer of 1 GiB", "one-gibibyte", slow=(ECR_LOGIN, SDK), repeats=1),
    failing("endless headers", "endless-headers", slow=(ECR_LOGIN,)),
]

CROWDS = {
    f"{AT_ONCE} registries": [registry("aws", number) for number in range(AT_ONCE)],
    "one registry": [registry("aws")] * AT_ONCE,
}
