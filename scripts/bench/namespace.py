"""A private machine for this process and all that it starts: its own files of names and of trust, and loopback only."""

import ctypes
import fcntl
import os
import pathlib
import shutil
import socket
import struct
import subprocess

from bench import fail

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1

TRUST = pathlib.Path("/etc/ssl/certs")
BUNDLE = "ca-certificates.crt"


def enter():
    """Nothing outside can be asked from here on, by no program and under no name. What is mounted is for us alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        fail(f"this needs a mount and a network namespace, which are not to be had here: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def name_hosts(directory, addresses):
    """Gives names to addresses. The name server is one that does not exist: no name may need any."""
    hosts, name_servers = directory / "hosts", directory / "resolv.conf"
    lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in addresses.items())]
    hosts.write_text("\n".join(lines) + "\n")
    name_servers.write_text("nameserver 127.0.0.254\n")
    mount(hosts, "/etc/hosts")
    if os.path.exists("/etc/resolv.conf"):
        mount(name_servers, "/etc/resolv.conf")


def trust_as_node(directory, ca_file):
    """Adds an authority to the system's as update-ca-certificates does: to the bundle, and as a file under its hash."""
    copy = directory / "certs"
    shutil.copytree(TRUST, copy, symlinks=True)
    certificate = pathlib.Path(ca_file).read_text()
    with open(copy / BUNDLE, "a") as bundle:
        bundle.write(certificate)
    (copy / "keyward-bench.pem").write_text(certificate)
    hashed = ["openssl", "x509", "-hash", "-noout", "-in", ca_file]
    name = subprocess.run(hashed, check=True, capture_output=True, text=True).stdout.strip()
    (copy / f"{name}.0").symlink_to("keyward-bench.pem")
    mount(copy, TRUST)
    return certificate_count(copy / BUNDLE)


def certificate_count(bundle):
    return bundle.read_text().count("BEGIN CERTIFICATE")


def mount(source, target):
    subprocess.run(["mount", "--bind", source, target], check=True)
