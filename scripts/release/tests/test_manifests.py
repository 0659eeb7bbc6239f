"""What is wrong with a manifest is found. That nothing is wrong with those of the repository, scripts/check-manifests says."""

import copy
import unittest

import yaml

from release import manifests

RESOURCES = dict(manifests.resources(manifests.DEPLOY))
DAEMON_SET = RESOURCES["kubernetes/daemon-set.yaml"]
KUSTOMIZATION = yaml.safe_load((manifests.DEPLOY / "kustomization.yaml").read_text())
CONFIGURATION = manifests.CONFIGURATION.read_text()


def changed(value, *path, to):
    """A copy in which the value at this path is another one, or is not there."""
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return value


class Resources(unittest.TestCase):
    def test_a_field_that_kubernetes_does_not_know_is_found_in_every_version(self):
        template = ("spec", "template", "spec")
        for path, to in [
            ((*template, "initContainer"), []),
            ((*template, "initContainers", 0, "securityContext", "readOnlyRootFileSystem"), True),
            ((*template, "volumes", 0, "hostPath", "path"), 1),
            (("spec", "selector"), None),
        ]:
            found = manifests.of_resource(changed(DAEMON_SET, *path, to=to))
            self.assertGreaterEqual(len(found), len(manifests.VERSIONS), path)

    def test_a_container_that_may_more_than_it_has_to_is_found(self):
        pod = DAEMON_SET["spec"]["template"]["spec"]
        self.assertEqual(manifests.of_pod(pod), [])
        for path, to in [
            (("automountServiceAccountToken",), None),
            (("securityContext",), None),
            (("containers", 0, "securityContext", "capabilities", "drop"), ["NET_RAW"]),
            (("containers", 0, "securityContext", "runAsUser"), 0),
            (("initContainers", 0, "securityContext", "allowPrivilegeEscalation"), None),
            (("initContainers", 0, "resources", "limits"), None),
        ]:
            self.assertEqual(len(manifests.of_pod(changed(pod, *path, to=to))), 1, path)

    def test_a_name_that_leads_nowhere_is_found(self):
        pod = DAEMON_SET["spec"]["template"]["spec"]
        self.assertEqual(manifests.of_references(pod, KUSTOMIZATION), [])
        for path, to, count in [
            (("images", 0, "name"), "keywrad", 2),
            (("images", 0, "digest"), "latest", 1),
            (("configMapGenerator", 0, "name"), "other", 1),
        ]:
            found = manifests.of_references(pod, changed(KUSTOMIZATION, *path, to=to))
            self.assertEqual(len(found), count, path)


class Configuration(unittest.TestCase):
    def test_what_is_commented_out_becomes_settings(self):
        [provider] = yaml.safe_load(manifests.uncommented(CONFIGURATION))["providers"]
        self.assertEqual([variable["name"] for variable in provider["env"]], ["KEYWARD_CACHE", "HTTPS_PROXY", "AWS_ECR_ROLE_ARN"])
        self.assertEqual(provider["tokenAttributes"]["cacheType"], "ServiceAccount")

    def test_what_the_kubelet_would_not_start_with_is_found(self):
        whole = yaml.safe_load(manifests.uncommented(CONFIGURATION))
        self.assertEqual(manifests.of_configuration(whole), [])
        for path, to in [
            (("apiVersion",), "kubelet.config.k8s.io/v2"),
            (("providers",), []),
            (("providers", 0, "name"), "bin/keyward"),
            (("providers", 0, "matchImages"), []),
            (("providers", 0, "matchImages", 0), "https://public.ecr.aws"),
            (("providers", 0, "defaultCacheDuration"), None),
            (("providers", 0, "defaultCacheDuration"), "1 hour"),
            (("providers", 0, "cacheDuration"), "1h"),
            (("providers", 0, "env", 0, "value"), 1),
            # Tokens came with v1 of the protocol.
            (("providers", 0, "apiVersion"), "credentialprovider.kubelet.k8s.io/v1beta1"),
            (("providers", 0, "tokenAttributes", "cacheType"), None),
            (("providers", 0, "tokenAttributes", "serviceAccountTokenAudience"), ""),
            (("providers", 0, "tokenAttributes", "requiredServiceAccountAnnotationKeys"), ["example.com/role"]),
        ]:
            self.assertEqual(len(manifests.of_configuration(changed(whole, *path, to=to))), 1, path)
