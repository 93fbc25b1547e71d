"""Starts the containers of deploy/kubernetes as a kubelet would, and asks their probes. `tests/deploy/kubernetes` calls it."""
import glob
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

import yaml

PATIENCE = 60


def pods(manifests):
    """All pods of workloads, by the first argument of their container."""
    found = {}
    for path in sorted(glob.glob(manifests + "/*.yaml")):
        with open(path, encoding="utf-8") as text:
            documents = list(yaml.safe_load_all(text))
        for document in documents:
            pod = ((document.get("spec") or {}).get("template") or {}).get("spec")
            if pod:
                [container] = pod["containers"]
                found[container["args"][0]] = (document, pod, container)
    return found


class Container:
    def __init__(self, folder, document, pod, container):
        self.folder, self.pod, self.container = folder, pod, container
        self.name = container["name"]
        security = pod["securityContext"]
        self.uid, self.gid, self.fs_group = (security[key] for key in ("runAsUser", "runAsGroup", "fsGroup"))
        claims = [claim["metadata"]["name"] for claim in document["spec"].get("volumeClaimTemplates", [])]
        self.volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        self.mounts = {}
        for mount in container["volumeMounts"]:
            path = os.path.join(folder, self.name, mount["name"])
            os.makedirs(path, exist_ok=True)
            self.mounts[mount["mountPath"]] = path
            if mount["name"] in claims or "secret" not in self.volumes[mount["name"]]:
                # What `fsGroup` makes of a volume.
                os.chown(path, 0, self.fs_group)
                os.chmod(path, 0o2775)
        self.mount_secrets()

    def mount_secrets(self):
        for mount in self.container["volumeMounts"]:
            secret = self.volumes.get(mount["name"], {}).get("secret")
            if not secret:
                continue
            source = os.path.join(self.folder, "secrets", secret["secretName"])
            items = secret.get("items") or [{"key": key, "path": key} for key in os.listdir(source)]
            for item in items:
                to = os.path.join(self.mounts[mount["mountPath"]], item["path"])
                shutil.copyfile(os.path.join(source, item["key"]), to + ".new")
                os.chown(to + ".new", 0, self.fs_group)
                os.chmod(to + ".new", item.get("mode", secret.get("defaultMode", 0o644)) | 0o040)
                os.rename(to + ".new", to)

    def mapped(self, word):
        for path in sorted(self.mounts, key=len, reverse=True):
            word = re.sub(r"(^|=)" + re.escape(path) + r"(?=/|$)", lambda found: found.group(1) + self.mounts[path], word)
        return word

    def start(self):
        values = {"POD_NAME": self.name + "-0", "PATH": os.environ["PATH"]}
        for variable in self.container.get("env", []):
            if "value" in variable:
                values[variable["name"]] = self.mapped(variable["value"])
        words = [re.sub(r"\$\((\w+)\)", lambda found: values[found.group(1)], word) for word in self.container["args"]]
        self.log = open(os.path.join(self.folder, self.name + ".log"), "w", encoding="utf-8")
        user = ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", f"--groups={self.fs_group}", "--no-new-privs"]
        program = os.path.join(self.folder, "bin/gcl-sweep")
        command = user + [program] + [self.mapped(word) for word in words]
        self.process = subprocess.Popen(command, env=values, stdout=self.log, stderr=self.log)

    def probe(self, kind):
        """Whether the kubelet would be content."""
        [how] = [key for key in self.container[kind] if key in ("httpGet", "exec", "tcpSocket", "grpc")]
        ask = self.container[kind][how]
        assert how == "httpGet", f"{kind}: {how} is not known to this test"
        [port] = [port["containerPort"] for port in self.container["ports"] if ask["port"] in (port["name"], port["containerPort"])]
        url = f"{ask.get('scheme', 'HTTP').lower()}://127.0.0.1:{port}{ask['path']}"
        trusting = ssl._create_unverified_context()
        with urllib.request.urlopen(url, timeout=self.container[kind]["timeoutSeconds"], context=trusting) as answer:
            return 200 <= answer.status < 400

    def stop(self):
        self.process.terminate()
        code = self.process.wait(self.pod["terminationGracePeriodSeconds"])
        self.log.close()
        return code


def eventually(what, look):
    end = time.monotonic() + PATIENCE
    why = None
    while time.monotonic() < end:
        try:
            found = look()
            if found:
                return found
        except (OSError, urllib.error.URLError, ValueError) as error:
            why = error
        time.sleep(0.2)
    sys.exit(f"{what}: not within {PATIENCE} s ({why})")


def main(manifests, folder):
    found = pods(manifests)
    coordinator = Container(folder, *found["coordinator"])
    worker = Container(folder, *found["worker"])
    keys = os.path.join(folder, "work/keys")

    def ask(*words):
        command = [os.path.join(folder, "bin/gcl-sweep"), *words, "--coordinator", "https://gcl-sweep-coordinator:7070"]
        command += ["--ca", keys + "/ca.pem", "--token-file", keys + "/admin.token", "--format", "json"]
        return json.loads(subprocess.run(command, capture_output=True, check=False).stdout or "null")

    def workers():
        return {one["name"]: one["state"] for one in ask("workers") or []}

    for life in ("first", "second"):
        coordinator.start()
        probes = [kind for kind in coordinator.container if kind.endswith("Probe")]
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(probes)
        for kind in probes:
            eventually(f"the coordinator's {kind}, {life} life", lambda kind=kind: coordinator.probe(kind))
        if life == "first":
            # What a kubelet that gives the volume's files to the group at each mount leaves behind.
            assert coordinator.stop() == 0
            for path, _, names in os.walk(coordinator.mounts["/state"]):
                for name in names:
                    os.chmod(os.path.join(path, name), 0o660)

    # A worker that finds nobody ends at once; one that cannot train says so.
    idle = ["worker", "--coordinator", "http://127.0.0.1:9", "--device", "cpu", "--idle-timeout", "0.1", "--scratch", folder + "/scratch"]
    if "no trainer" in subprocess.run([folder + "/bin/gcl-sweep", *idle], capture_output=True, text=True, check=False).stderr:
        print("skipped: the worker, since the program was built without a trainer")
    else:
        worker.start()
        eventually("the worker's hello", lambda: workers().get("worker-0") == "active" or workers().get("worker-0"))
        # Its token is taken away, and the secret brought anew.
        tokens = keys + "/tokens.json"
        subprocess.run([folder + "/bin/gcl-sweep", "token", "revoke", "--tokens", tokens, "workers"], check=True, stderr=subprocess.DEVNULL)
        shutil.copyfile(tokens, folder + "/secrets/gcl-sweep-coordinator/tokens.json")
        coordinator.mount_secrets()
        eventually("the end of a worker whose token was revoked", lambda: worker.process.poll() is not None)
        worker.log.close()
    code = coordinator.stop()
    assert code == 0, f"the coordinator ends with {code}"


if __name__ == "__main__":
    main(*sys.argv[1:])
