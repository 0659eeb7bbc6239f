"""Whether a cluster and a kubelet would take what deploy/ has for them. `problems` names everything that is wrong with it.

What Kubernetes has a schema of is validated by that, strictly, for each version whose kubelet can use it. Of the kubelet's own files it has
none: theirs is beside this file, by the kubelet's types and its validation.
"""

import json
import pathlib
import re
import sys

import jsonschema
import kubernetes_validate
import yaml

from release import REPOSITORY
from release.program import say

DEPLOY = REPOSITORY / "deploy"
CONFIGURATION = DEPLOY / "kubelet/credential-provider-config.yaml"
CONFIGURATION_SCHEMA = json.loads((pathlib.Path(__file__).parent / "credential-provider-config.schema.json").read_text())

# From the first version that has `v1` of the kubelet's credential providers to the last that the validator knows.
VERSIONS = [version for version in kubernetes_validate.utils.all_versions() if tuple(map(int, version.split(".")[:2])) >= (1, 26)]


def main():
    found = problems(DEPLOY)
    for problem in found:
        say(problem)
    if found:
        sys.exit(1)
    print(f"{len(resources(DEPLOY))} resources for Kubernetes {VERSIONS[0]} to {VERSIONS[-1]}, and the kubelet's configuration: valid")


def problems(folder):
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    found = []
    for file, resource in resources(folder):
        found += [f"{file}: {problem}" for problem in of_resource(resource)]
        pod = resource.get("spec", {}).get("template", {}).get("spec")
        if pod:
            found += [f"{file}: {problem}" for problem in of_pod(pod) + of_references(pod, kustomization)]
    text = (folder / CONFIGURATION.relative_to(DEPLOY)).read_text()
    for what, configuration in [("", text), (", with what is commented out", uncommented(text))]:
        found += [f"{CONFIGURATION.name}{what}: {problem}" for problem in of_configuration(yaml.safe_load(configuration))]
    return found


def resources(folder):
    """What the kustomization applies, with the names of the files."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    return [(file, yaml.safe_load((folder / file).read_text())) for file in kustomization["resources"]]


def of_resource(resource):
    found = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(resource, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            found.append(f"Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message}")
    return found


def of_pod(pod):
    """What a schema does not ask for: no container may more than it has to."""
    found = [] if pod.get("automountServiceAccountToken") is False else ["the pod has a token of its service account"]
    if pod.get("securityContext", {}).get("seccompProfile") != {"type": "RuntimeDefault"}:
        found.append("the pod has no seccomp profile")
    for container in _containers(pod):
        context = container.get("securityContext", {})
        expected = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "privileged": False, "capabilities": {"drop": ["ALL"]}}
        found += [f"{container['name']}: {name} is not {value}" for name, value in expected.items() if context.get(name) != value]
        if context.get("runAsUser") == 0 and container not in pod.get("initContainers", []):
            found.append(f"{container['name']}: it is root for as long as the pod is there")
        if "memory" not in container.get("resources", {}).get("limits", {}):
            found.append(f"{container['name']}: its memory has no limit")
    return found


def of_references(pod, kustomization):
    """What one file names and another one has. A kustomization that does not fit changes nothing and says nothing."""
    pinned = {image["name"]: image for image in kustomization.get("images", [])}
    used = {container["image"] for container in _containers(pod)}
    found = [f"image {name} is not pinned by the kustomization" for name in sorted(used - pinned.keys())]
    found += [f"image {name} of the kustomization is nobody's" for name in sorted(pinned.keys() - used)]
    for name, image in pinned.items():
        if not re.fullmatch("sha256:[0-9a-f]{64}", image.get("digest", "")):
            found.append(f"image {name} is not pinned by its digest")
    generated = {generator["name"] for generator in kustomization.get("configMapGenerator", [])}
    mapped = {volume["configMap"]["name"] for volume in pod.get("volumes", []) if "configMap" in volume}
    return found + [f"nothing makes the ConfigMap {name}" for name in sorted(mapped - generated)]


def of_configuration(configuration):
    validator = jsonschema.Draft202012Validator(CONFIGURATION_SCHEMA)
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(configuration)]


def uncommented(text):
    """As whoever has taken the `#` away before each line of settings, which are those that begin with a key or an item."""
    is_setting = re.compile(r"^( *)#( *(- |[a-zA-Z]+:).*)$")
    return "\n".join(is_setting.sub(r"\1\2", line) for line in text.splitlines()) + "\n"


def _containers(pod):
    return pod.get("initContainers", []) + pod["containers"]


if __name__ == "__main__":
    main()
