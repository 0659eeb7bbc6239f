//! Registry addresses: amazon-ecr-credential-helper's and cloud-provider-aws's own cases.

use keyward_ecr::registry::{Kind, NotOurRegistry, Registry};
use keyward_testbed::vectors::{self, Family, same};

#[test]
fn registry_addresses_mean_what_they_mean_to_other_credential_helpers() {
    let table = vectors::text("registry/hosts.tsv");
    let mut family = Family::new("registry", 40);
    for line in table.lines().skip(1) {
        let row = Row::parse(line);
        family.case(row.input, || row.check());
    }
    family.finish("");
}

/// A line of the table. What is not said is empty.
struct Row<'a> {
    input: &'a str,
    is_ours: bool,
    service: &'a str,
    account: &'a str,
    region: &'a str,
    fips: &'a str,
    public_name: &'a str,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Self {
        let columns: Vec<&str> = line.split('\t').collect();
        let [_source, input, expect, service, account, region, fips, public_name] = columns[..] else {
            panic!("a row of {} columns: {line}", columns.len());
        };
        assert!(["ok", "error"].contains(&expect), "neither ok nor error: {line}");
        Self { input, is_ours: expect == "ok", service, account, region, fips, public_name }
    }

    fn check(&self) -> Result<(), String> {
        if !self.is_ours {
            return same("result", &Registry::parse(self.input), &Err(NotOurRegistry));
        }
        let registry = Registry::parse(self.input).map_err(|error| error.to_string())?;
        let (service, account) = match &registry.kind {
            Kind::Private { account } => ("ecr", account.as_str()),
            Kind::Public => ("ecr-public", ""),
        };
        same("service", &service, &self.service)?;
        same("account", &account, &self.account)?;
        same("fips", &registry.fips.to_string().as_str(), &self.fips)?;
        // The public registry is the one of all regions; which region gives out its tokens is no part of the table.
        if registry.kind == Kind::Public {
            same("host", &registry.host.as_str(), &self.public_name)
        } else {
            same("region", &registry.region.as_str(), &self.region)
        }
    }
}
