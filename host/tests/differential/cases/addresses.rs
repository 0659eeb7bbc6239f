//! Addresses of registries: the vectors of amazon-ecr-credential-helper (`ecr-login/api/client_test.go`), and what they leave out.

use keyward_testbed::{DEFAULT_ACCOUNT, private_password, public_password};

use super::{Case, Text};

const NOT_FOUND: &str = "credentials not found in native keychain\n";

const NEWER_NAMES: &str = "Debian's version knows the names of two partitions alone; these are in its newer versions";
const ANY_CASE: &str = "host and scheme mean the same in any case";
const ANY_ACCOUNT: &str =
    "a token is the identity's, and good for every registry that it may reach: none is named in the request";
const LENIENT: &str = "both forms of a name are understood with every suffix, as in its newer versions";
const ABSOLUTE: &str = "a dot at the end makes a name absolute, and is the same host";
const PATH: &str = "what stands behind the host is nobody's to judge: no server is asked for it";
const NO_SUCH_HOST: &str = "the region has registries of other names: the address cannot be right";

/// What both say the same of.
const SAME: &[&str] = &[
    "https://123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/blah/blah",
    "123456789012.dkr.ecr.us-west-2.amazonaws.com",
    "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
    "https://public.ecr.aws",
    "public.ecr.aws",
    "public.ecr.aws/amazonlinux",
    "https://public.ecr.aws/amazonlinux",
    ".dkr.ecr.not-real.amazonaws.com",
    "not.ecr.io",
    "https://123456789012.dkr.ecr.us-west-2.amazonaws.com.fake.example.com/image:latest",
    "123456789012.dkr.ecr.us-west-2.amazonaws.com.fake.example.com",
    "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com.fake.example.com",
    "210987654321.dkr.ecr.cn-north-1.amazonaws.com.cn.fake.example.com.cn",
    "210987654321.dkr.ecr.cn-north-1.on.aws.com.cn",
    "https://public.ecr.aws.fake.example.com",
    "public.ecr.aws.fake.example.com",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com:443",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com:443/v2/",
    "http://123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com@evil.example.com",
    "evil.com/123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "evil.com#123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "evil.com?123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "١٢٣٤٥٦٧٨٩٠١٢.dkr.ecr.us-east-1.amazonaws.com",
    "123456789012.dkr.ecr..amazonaws.com",
    "123456789012.dkr.ecr.-us.amazonaws.com",
    "vpce-1234.api.ecr.us-east-1.vpce.amazonaws.com",
    "api.ecr.us-east-1.amazonaws.com",
    "123456789012.dkr.ecr.eusc-de-east-1.on.amazonwebservices.eu",
    "123456789012.dkr.ecr.us-isof-east-1.on.aws.hci.ic.gov",
    "000000000000.dkr.ecr.us-east-1.localhost.localstack.cloud:4566",
    "docker.io",
    "https://index.docker.io/v1/",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/<a>&\u{2028}\"\\",
];

/// Registries whose credential Keyward finds, with their region.
const FOUND: &[(&str, &str, &str)] = &[
    ("123456789012.dkr-ecr.us-west-2.on.aws", "us-west-2", NEWER_NAMES),
    ("123456789012.dkr-ecr-fips.us-west-2.on.aws", "us-west-2", NEWER_NAMES),
    ("210987654321.dkr.ecr.cn-north-1.amazonaws.com.cn/foo", "cn-north-1", ANY_ACCOUNT),
    ("210987654321.dkr.ecr.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1", NEWER_NAMES),
    ("210987654321.dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", NEWER_NAMES),
    ("123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1", NEWER_NAMES),
    ("123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1", NEWER_NAMES),
    ("123456789012.dkr.ecr.us-isof-east-1.csp.hci.ic.gov", "us-isof-east-1", NEWER_NAMES),
    ("123456789012.dkr-ecr.us-gov-east-1.on.aws", "us-gov-east-1", NEWER_NAMES),
    ("123456789012.dkr-ecr-fips.us-gov-east-1.on.aws", "us-gov-east-1", NEWER_NAMES),
    ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", NEWER_NAMES),
    ("HTTPS://123456789012.dkr.ecr.us-east-1.amazonaws.com", "us-east-1", ANY_CASE),
    ("123456789012.DKR.ECR.us-east-1.amazonaws.com", "us-east-1", ANY_CASE),
    ("123456789012.dkr.ecr.US-EAST-1.amazonaws.com", "us-east-1", ANY_CASE),
    ("123456789012.dkr.ecr.us-east-1.amazonaws.com.", "us-east-1", ABSOLUTE),
    ("123456789012.dkr.ecr.us-east-1.amazonaws.com/\u{7f}", "us-east-1", PATH),
    ("123456789012.dkr-ecr.us-east-1.amazonaws.com", "us-east-1", LENIENT),
    ("123456789012.dkr.ecr.us-west-2.on.aws", "us-west-2", LENIENT),
    ("123456789012.dkr-ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1", LENIENT),
];

const FOUND_PUBLIC: &[(&str, &str)] = &[
    ("https://ecr-public.aws.com", NEWER_NAMES),
    ("ecr-public.aws.com", NEWER_NAMES),
    ("ecr-public.aws.com/amazonlinux", NEWER_NAMES),
    ("Public.ECR.aws", ANY_CASE),
];

/// Addresses that are no registry's, and for which the other helper gives out a credential.
const NOT_OURS: &[(&str, &str)] = &[
    (
        "user:pw@123456789012.dkr.ecr.us-east-1.amazonaws.com/x",
        "a registry's address has no user: what has one was made to look like something else",
    ),
    ("123456789012.dkr.ecr.a_b.amazonaws.com", "no host has an underscore"),
];

const REFUSED: &[(&str, &str, &str)] = &[
    ("123456789012.dkr.ecr.us-west-2.amazonaws.com.cn", "cannot exist: region us-west-2", NO_SUCH_HOST),
    ("123456789012.dkr.ecr.cn-north-1.amazonaws.com", "cannot exist: region cn-north-1", NO_SUCH_HOST),
    ("123456789012.dkr.ecr.us-iso-east-1.amazonaws.com", "cannot exist: region us-iso-east-1", NO_SUCH_HOST),
    (
        "123456789012.dkr.ecr.u.amazonaws.com",
        "does not let the lookup reach https://api.ecr.u.amazonaws.com",
        "no region has such a name, so that the sandbox takes its host for none of AWS",
    ),
];

pub(super) fn cases() -> Vec<Case> {
    let get = |address: &str| Case::new(&["get"], address);
    let found = |address: &str, password: &str| {
        format!("{{\"ServerURL\":\"{address}\",\"Username\":\"AWS\",\"Secret\":\"{password}\"}}\n")
    };
    let mut cases: Vec<Case> = SAME.iter().map(|address| get(address)).collect();
    for (address, region, reason) in FOUND {
        let answer = found(address, &private_password(DEFAULT_ACCOUNT, region));
        cases.push(get(address).differs(reason, 0, answer));
    }
    for (address, reason) in FOUND_PUBLIC {
        cases.push(get(address).differs(reason, 0, found(address, &public_password())));
    }
    for (address, reason) in NOT_OURS {
        cases.push(get(address).differs(reason, 1, NOT_FOUND));
    }
    for (address, said, reason) in REFUSED {
        cases.push(get(address).differs_with(reason, 1, Text::Has(said)));
    }
    cases
}
