"""Files that both sides of a test need: certificates for secure WebSockets, and the
keys of two private networks."""

import secrets
import subprocess

CA, CERTIFICATE, KEY, STRANGE_CA = "ca.crt", "server.crt", "server.key", "strange-ca.crt"
NETWORK_KEY, WRONG_NETWORK_KEY = "swarm.key", "wrong-swarm.key"

EXTENSIONS = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n"
EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def make(folder):
    """Writes them into the folder. Without the openssl program there is no wss."""
    for name in (NETWORK_KEY, WRONG_NETWORK_KEY):
        path = folder / name
        path.write_text(f"/key/swarm/psk/1.0.0/\n/base16/\n{secrets.token_hex(32)}\n")
        path.chmod(0o600)
    for name in (CA, STRANGE_CA):
        openssl(folder, "req", "-x509", *EC_KEY, "-keyout", name + ".key", "-out", name, "-days", "30",
                "-subj", "/CN=Starling interop test CA")
    (folder / "extensions").write_text(EXTENSIONS)
    openssl(folder, "req", *EC_KEY, "-keyout", KEY, "-out", "server.csr", "-subj", "/CN=localhost")
    openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", CA, "-CAkey", CA + ".key", "-CAcreateserial",
            "-days", "30", "-extfile", "extensions", "-out", CERTIFICATE)
    (folder / KEY).chmod(0o600)


def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True, timeout=60)


def flags(stack, folder):
    """What both kinds of peers take for a stack."""
    given = ["--transport", stack.network]
    if not stack.standalone:
        given += ["--security", stack.security, "--muxer", stack.muxer]
    if stack.network == "wss":
        given += ["--tls-cert", folder / CERTIFICATE, "--tls-key", folder / KEY,
                  "--tls-ca", folder / (STRANGE_CA if stack.wrong else CA)]
    if stack.private:
        given += ["--psk", folder / (WRONG_NETWORK_KEY if stack.wrong else NETWORK_KEY)]
    return given
