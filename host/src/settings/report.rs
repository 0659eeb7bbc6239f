//! `keyward config check`: which settings hold, where they come from, and which rule a registry matches.

use std::fmt::Write as _;

use keyward::{Resolver, SetupError};
use keyward_ecr::registry::{Kind, Registry};
use keyward_ecr::secret::address_without_secrets;

use super::address::compare;
use super::file::Found;
use super::rules::{Identity, Rule};
use super::sources::{Origin, Shown};
use super::value::Value;
use super::{Caller, Settings};
use crate::arguments::{Check, DaemonOptions, Options};

/// The whole report, or what is wrong with the settings.
pub(crate) fn check(check: Check) -> Result<String, String> {
    let Check { file, registries, options } = check;
    let options = Options { config: options.config.or(file), ..options };
    let load = |caller| Settings::load_with_daemon(&options, &DaemonOptions::default(), caller);
    let (settings, _) = load(Caller::Person)?;
    // What the library judges, as in a lookup.
    if let Err(error @ SetupError::Allowed { .. }) = Resolver::new(&settings.config()) {
        return Err(error.to_string());
    }
    let (docker, _) = load(Caller::Docker)?;
    Ok(settings.report(&registries, &docker))
}

impl Settings {
    /// `docker` are the same settings, as a client of docker's protocol meets them.
    fn report(&self, registries: &[String], docker: &Self) -> String {
        let mut report = String::new();
        // Writing to a text cannot fail.
        let _ = self.write(&mut report, registries, docker);
        report
    }

    fn write(&self, report: &mut String, registries: &[String], docker: &Self) -> std::fmt::Result {
        self.write_file(report)?;
        writeln!(report, "\nsettings: the flag, else the variable, else the file, else what is built in")?;
        self.shown.iter().try_for_each(|shown| write_setting(report, shown))?;
        let mut of_docker = docker.shown.iter().filter(|shown| !self.shown.contains(shown)).peekable();
        if of_docker.peek().is_some() {
            writeln!(report, "\nwhat differs as docker's credential helper: the variables of Amazon's count there")?;
        }
        of_docker.try_for_each(|shown| write_setting(report, shown))?;
        if !self.rules.is_empty() {
            writeln!(report, "\nrules: the first that matches counts")?;
        }
        for (rule, number) in self.rules.iter().zip(1..) {
            write_rule(report, rule, number)?;
            let earlier = self.rules.iter().zip(1..number).find(|(earlier, _)| earlier.covers(rule));
            if let Some((_, earlier)) = earlier {
                writeln!(
                    report,
                    "     warning: no address comes to it, since rule {earlier} matches all of them before"
                )?;
            }
        }
        registries.iter().try_for_each(|address| self.write_address(report, address))
    }

    fn write_file(&self, report: &mut String) -> std::fmt::Result {
        match &self.found {
            Found::File(file) => writeln!(report, "file: {}, which {}", file.path.display(), file.named_by),
            Found::Off(named_by) => writeln!(report, "file: none, since {named_by} is off"),
            Found::Nowhere(paths) => {
                let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
                writeln!(report, "file: none, since there is no {}", paths.join(", and no "))
            }
        }
    }

    fn write_address(&self, report: &mut String, address: &str) -> std::fmt::Result {
        let question = self.question(address);
        writeln!(report, "\n{}", address_without_secrets(&question.address))?;
        for (rule, number) in self.rules.iter().zip(1..) {
            if let Some(pattern) = rule.matching(address) {
                writeln!(report, "  rule {number} matches: {pattern}")?;
                break;
            }
            for pattern in &rule.patterns {
                let Err(mismatch) = compare(pattern, address) else { continue };
                writeln!(report, "  rule {number} does not: {pattern}: {mismatch}")?;
            }
        }
        if question.rule.is_none() {
            writeln!(report, "  no rule matches")?;
        }
        let registry = question.request.registry();
        if registry != address {
            writeln!(report, "  stands for {}", address_without_secrets(registry))?;
        }
        match Registry::parse(registry) {
            Ok(registry) => {
                writeln!(report, "  {}", described(&registry))?;
                let rule = question.rule.as_ref().map(|matched| &self.rules[matched.number - 1].identity);
                let identity = self.identity.or(rule.unwrap_or(&Identity::default()));
                match identity.list() {
                    list if list.is_empty() => {
                        writeln!(report, "  asked with whatever the environment and the shared files have")
                    }
                    list => list.into_iter().try_for_each(|(name, value)| writeln!(report, "  {name} {value}")),
                }
            }
            Err(_) => writeln!(
                report,
                "  not a registry of Amazon ECR, and nothing says that it stands for one: it gets no credentials"
            ),
        }
    }
}

fn write_setting(report: &mut String, shown: &Shown) -> std::fmt::Result {
    let value = if shown.value.is_empty() { "(none)" } else { &shown.value };
    writeln!(report, "  {:<28} {value:<32} {}", shown.key, shown.origin)
}

fn write_rule(report: &mut String, rule: &Rule, number: usize) -> std::fmt::Result {
    let patterns: Vec<_> = rule.patterns.iter().map(|pattern| pattern.as_str()).collect();
    writeln!(report, "  {number}. {} ({})", patterns.join(", "), Origin::File(rule.line))?;
    if let Some(alias) = &rule.alias {
        writeln!(report, "     stands for {}", alias.show())?;
    }
    rule.identity.list().into_iter().try_for_each(|(name, value)| writeln!(report, "     {name} {value}"))
}

fn described(registry: &Registry) -> String {
    let Registry { region, partition, .. } = registry;
    match &registry.kind {
        Kind::Private { account } => format!("account {account}, region {region}, partition {}", partition.name),
        Kind::Public => format!("Amazon ECR Public, whose API is in {region}"),
    }
}
