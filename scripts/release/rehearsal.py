"""The image as it is used: into a registry and out of it, and in a container as the DaemonSet has it; then the node is asked as its
kubelet asks. No cluster takes part: podman is what runs the container, with the folders and the security context of the manifest."""

import contextlib
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

import yaml

from release import contents, image, manifests, program
from release.program import fail

ASKED = {
    "kind": "CredentialProviderRequest",
    "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
    # Nobody is asked about a registry that is not AWS's: what is tried is the installation.
    "image": "docker.io/library/image:1",
}


def main():
    built = program.build()
    data, digest = image.build(contents.of_image(built), target=built.target, version=built.version, epoch=program.epoch())
    with tempfile.TemporaryDirectory(prefix="keyward-image-") as name:
        folder = pathlib.Path(name)
        archive = folder / "image.oci.tar"
        archive.write_bytes(data)
        with registry(folder) as address:
            reference = f"docker://{address}/keyward"
            run("skopeo", "copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false", f"oci-archive:{archive}", f"{reference}:new")
            inspected = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"{reference}@{digest}"))
            if (inspected["Digest"], inspected["Os"]) != (digest, "linux"):
                fail(f"the registry has another image: {inspected}")
        node = folder / "node"
        node.mkdir(mode=0o755)
        for expected in ["installed", "is up to date"]:
            said = install(archive, node, folder)
            if said.count(expected) != 2:
                fail(f"the container should have said '{expected}' of two files: {said}")
        answers = [ask(node, provider) for provider in providers(node)]
        print(f"{digest}: pushed, pinned, run as the DaemonSet runs it, and {len(answers)} provider asked as the kubelet asks it")


def install(archive, node, folder):
    """Runs the init container, on a node of which there is this folder alone, and returns what it says."""
    [(_, daemon_set)] = [(file, found) for file, found in manifests.resources(manifests.DEPLOY) if found["kind"] == "DaemonSet"]
    pod = daemon_set["spec"]["template"]["spec"]
    [container] = pod["initContainers"]
    volumes = {"node": node, "configuration": manifests.CONFIGURATION.parent}
    mounts = [
        f"--volume={volumes[mount['name']]}:{mount['mountPath']}:{'ro' if mount.get('readOnly') else 'rw'}"
        for mount in container["volumeMounts"]
    ]
    context = container["securityContext"]
    limits = [
        f"--user={context['runAsUser']}:{context['runAsGroup']}",
        *(f"--cap-drop={capability}" for capability in context["capabilities"]["drop"]),
        *(["--read-only", "--read-only-tmpfs=false"] if context["readOnlyRootFilesystem"] else []),
        *([] if context["allowPrivilegeEscalation"] else ["--security-opt=no-new-privileges"]),
        f"--memory={container['resources']['limits']['memory'].removesuffix('i').lower()}",
        # Its own are higher than a machine may permit.
        "--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096", "--network=none",
    ]
    store = [f"--root={folder / 'store'}", f"--runroot={folder / 'run'}", f"--tmpdir={folder / 'tmp'}", "--storage-driver=vfs"]
    return run(
        "podman", *store, "--cgroup-manager=cgroupfs", "run", "--rm", "--quiet", *limits, *mounts, f"oci-archive:{archive}", *container["args"]
    )


def providers(node):
    return yaml.safe_load((node / manifests.CONFIGURATION.name).read_text())["providers"]


def ask(node, provider):
    """Calls a provider as the kubelet does: by its name, in the folder, with the arguments and the environment of the configuration."""
    variables = {variable["name"]: variable["value"] for variable in provider["env"]}
    environment = {"AWS_EC2_METADATA_DISABLED": "true", "KEYWARD_CONFIG": "off"} | variables
    finished = subprocess.run(
        [node / provider["name"], *provider["args"]],
        input=json.dumps(ASKED | {"apiVersion": provider["apiVersion"]}), env=environment, capture_output=True, text=True,
    )
    if finished.returncode != 0:
        fail(f"{provider['name']} ended with {finished.returncode}: {finished.stderr}")
    answer = json.loads(finished.stdout)
    if (answer["kind"], answer["apiVersion"]) != ("CredentialProviderResponse", provider["apiVersion"]):
        fail(f"{provider['name']} gave no answer that a kubelet understands: {answer}")
    return answer


@contextlib.contextmanager
def registry(folder):
    """A registry on loopback, which ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": address},
    }
    file = folder / "registry.yaml"
    file.write_text(yaml.safe_dump(settings))
    running = subprocess.Popen(["docker-registry", "serve", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_listener(running, address)
        yield address
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()


def await_listener(running, address):
    host, port = address.split(":")
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        if running.poll() is not None:
            fail(f"docker-registry ended with {running.returncode}")
        time.sleep(0.05)
    fail("docker-registry does not listen")


def run(*command):
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode != 0:
        fail(f"{' '.join(map(str, command))} ended with {finished.returncode}: {finished.stderr}")
    return finished.stdout


if __name__ == "__main__":
    sys.exit(main())
