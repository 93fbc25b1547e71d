"""A `systemctl` for tests/deploy/admin: starts and stops what our units say, the way systemd documents it, without systemd.

It knows: templates, ExecStart, EnvironmentFile, Environment, LoadCredential and SetCredential, DynamicUser with StateDirectory,
UMask, Type=notify. What a unit has besides (the sandbox, restarts) it passes over.
"""
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zlib

PATIENCE = 60
RUN = "/run/units"


class Unit:
    def __init__(self, name):
        self.name = name if name.endswith(".service") else name + ".service"
        stem = self.name.removesuffix(".service")
        prefix, at, self.instance = stem.partition("@")
        self.settings = {}
        with open(f"/etc/systemd/system/{prefix}{at}.service", encoding="utf-8") as text:
            for line in text:
                key, is_setting, value = line.strip().partition("=")
                if is_setting and not line.startswith(("#", ";", "[")):
                    self.settings.setdefault(key, []).append(value)
        # systemd draws a dynamic user's number from its name.
        self.uid = 61184 + zlib.crc32(prefix.encode()) % 4000
        self.pid_file = f"{RUN}/{self.name}.pid"

    def all(self, key):
        values = {"i": self.instance, "n": self.name, "H": socket.gethostname(), "%": "%"}
        return [re.sub("%([inH%])", lambda found: values[found.group(1)], value) for value in self.settings.get(key, [])]

    def one(self, key):
        return self.all(key)[-1]

    def environment(self):
        found = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
        for value in self.all("Environment"):
            found.update(word.split("=", 1) for word in value.split())
        for path in self.all("EnvironmentFile"):
            if path.startswith("-") and not os.path.exists(path[1:]):
                continue
            with open(path.lstrip("-"), encoding="utf-8") as text:
                for line in text:
                    if "=" in line and not line.startswith(("#", ";")):
                        key, value = line.strip().split("=", 1)
                        found[key] = value.strip("'\"")
        return found

    def state(self):
        """Makes the state folder the unit's; answers where it is, and where everybody finds it."""
        assert self.one("DynamicUser") == "yes"
        name = self.one("StateDirectory")
        private, public = f"/var/lib/private/{name}", f"/var/lib/{name}"
        os.makedirs("/var/lib/private", 0o700, exist_ok=True)
        os.makedirs(os.path.dirname(private), exist_ok=True)
        os.makedirs(os.path.dirname(public), exist_ok=True)
        if os.path.isdir(public) and not os.path.islink(public):
            os.rename(public, private)
        os.makedirs(private, exist_ok=True)
        if not os.path.islink(public):
            os.symlink(private, public)
        # All of it is given to the user only where the folder itself is another's.
        if os.stat(private).st_uid != self.uid:
            subprocess.run(["chown", "-R", "-h", f"{self.uid}:{self.uid}", private], check=True)
        os.chmod(private, int(self.one("StateDirectoryMode"), 8))
        return private

    def credentials(self):
        folder = f"/run/credentials/{self.name}"
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        contents = dict(value.split(":", 1) for value in self.all("SetCredential"))
        for value in self.all("LoadCredential"):
            key, path = value.split(":", 1)
            if os.path.exists(path):
                with open(path, encoding="utf-8") as text:
                    contents[key] = text.read()
            elif key not in contents:
                sys.exit(f"{self.name}: no credential {path}")
        for key, content in contents.items():
            with open(f"{folder}/{key}", "w", encoding="utf-8") as text:
                text.write(content)
            os.chmod(f"{folder}/{key}", 0o400)
            os.chown(f"{folder}/{key}", self.uid, self.uid)
        os.chmod(folder, 0o500)
        os.chown(folder, self.uid, self.uid)
        return folder

    def command(self, environment):
        words = []
        for word in self.one("ExecStart").split():
            whole = re.fullmatch(r"\$(\w+)", word)
            if whole:
                words += environment.get(whole.group(1), "").split()
            else:
                words.append(re.sub(r"\$\{(\w+)\}", lambda found: environment.get(found.group(1), ""), word))
        return words

    def start(self):
        if self.is_running():
            return
        environment, state = self.environment(), self.state()
        environment |= {"STATE_DIRECTORY": state, "CREDENTIALS_DIRECTORY": self.credentials()}
        os.makedirs(RUN, exist_ok=True)
        ready = None
        if "notify" in self.all("Type"):
            path = f"{RUN}/{self.name}.notify"
            if os.path.exists(path):
                os.unlink(path)
            ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            ready.bind(path)
            os.chmod(path, 0o777)
            ready.settimeout(PATIENCE)
            environment["NOTIFY_SOCKET"] = path
        # Of /var/lib/private, which is root's, the unit sees its own folder.
        hide = (
            'set -e; aside=$(mktemp -d /run/aside.XXXXXX); mount --bind "$STATE_DIRECTORY" "$aside"; '
            'mount -t tmpfs -o mode=755 none /var/lib/private; mkdir -p "$STATE_DIRECTORY"; '
            'mount --bind "$aside" "$STATE_DIRECTORY"; umask 077; exec "$@"'
        )
        user = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups", "--no-new-privs"]
        with open(f"/var/log/{self.name}.log", "a", encoding="utf-8") as log:
            process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", hide, "sh", *user, *self.command(environment)],
                env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/", start_new_session=True,
            )
        with open(self.pid_file, "w", encoding="utf-8") as text:
            text.write(str(process.pid))
        if ready:
            while b"READY=1" not in ready.recv(4096):
                pass
            ready.close()

    def is_running(self):
        try:
            with open(self.pid_file, encoding="utf-8") as text:
                pid = text.read()
            with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
        except FileNotFoundError:
            return False

    def stop(self):
        if not self.is_running():
            return
        with open(self.pid_file, encoding="utf-8") as text:
            os.kill(int(text.read()), signal.SIGTERM)
        end = time.monotonic() + PATIENCE
        while self.is_running():
            if time.monotonic() > end:
                sys.exit(f"{self.name} does not stop")
            time.sleep(0.1)


def main(action, *words):
    names = [word for word in words if not word.startswith("--")]
    if action == "stop-all":
        names = [os.path.basename(path).removesuffix(".pid") for path in glob.glob(RUN + "/*.pid")]
    for name in names:
        unit = Unit(name)
        if action in ("stop", "restart", "stop-all"):
            unit.stop()
        if action in ("start", "restart") or action == "enable" and "--now" in words:
            unit.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
