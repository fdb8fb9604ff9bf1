#!/usr/bin/env python3
"""Measure registry-to-registry copy tools side by side, as ratios of one run.

USAGE
  beside.py --corpus DIR --set large|small|multi --registry-bin PATH
               --tool 'NAME=COMMAND' [--tool ...] [--warm 'NAME=COMMAND' ...]
               [--phases cold,warm] [--runs 5] [--work DIR] [--floor]
               [--port 5601] [--path DIR] [--json FILE] [--check]

  --corpus        made by corpus.py gen (same folder as this script)
  --registry-bin  a Distribution registry program (`docker-registry` in Debian,
                  `registry` elsewhere); two are started on loopback: A, filled
                  with the set once and kept, and B, wiped before each cold run
  --tool          NAME=COMMAND, run by `sh -c`.  To add a program of your own,
                  add one --tool; nothing else changes.  Placeholders:
                    {src} {dst}   host:port of A and of B
                    {tags}        file of "repo:tag" lines     {repos} of repos
                    {work}        a folder private to the tool, emptied before
                                  each cold run, kept for the warm one after it
                    {regsync} {skopeo} {ocync}  that tool's configuration file,
                                  written by this script for the whole set
                                  (skopeo keeps only a name's last part: give it
                                  {dst}/SET; ocync caches beside its file: copy
                                  it to {work} first)
  --warm          another command for the "already up to date" phase (else the
                  same one again)
  --floor         also measure plain curl: download only, upload only, piped
  --check         after each cold run compare B with the corpus (tags, manifests
                  by hash, blobs by HEAD); a failure is printed and recorded
  --path          put first in PATH for the tools;   HOME is {work}/home

One round runs every tool once, cold then warm, in turn, so that another load on
the machine falls on all alike; figures are medians over the rounds.  wall, cpu
(user+system) and rss (largest process) come from /usr/bin/time; requests from the two access logs; regcpu is what both registries
used meanwhile (their hashing, not the tool's).  Ratios are to the first tool,
or to the floor's `pipe` where --floor is given.  It prints a Markdown table.
Traffic goes to 127.0.0.1 only.  Python 3.9+, standard library only; curl for
--floor.

EXAMPLE
  corpus.py gen --out /tmp/portolan-bench/corpus
  beside.py --corpus /tmp/portolan-bench/corpus --set multi --work /tmp/portolan-bench/w \
    --registry-bin docker-registry --check \
    --tool 'skopeo=skopeo --insecure-policy sync --all --src yaml --dest docker --dest-tls-verify=false {skopeo} {dst}/multi' \
    --tool 'regsync=regsync once -c {regsync}' \
    --tool 'ours=PROGRAM copy --from http://{src} --to http://{dst} --list {tags}'
"""
import argparse, collections, json, os, re, shutil, signal, socket, statistics, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = [sys.executable, os.path.join(HERE, "corpus.py")]
LINE = re.compile(r'"(GET|HEAD|POST|PUT|PATCH|DELETE) (\S+) HTTP/[\d.]+" (\d+) (\d+)')
TICK = os.sysconf("SC_CLK_TCK")


class Registry:
    def __init__(self, binary, root, port):
        self.binary, self.root, self.port = binary, root, port
        self.addr = "127.0.0.1:%d" % port
        self.log = os.path.join(root, "access.log")
        self.data = os.path.join(root, "data")
        self.proc = None

    def start(self):
        os.makedirs(self.data, exist_ok=True)
        conf = os.path.join(self.root, "config.yml")
        with open(conf, "w") as f:
            f.write("version: 0.1\nlog: {level: error}\nstorage:\n  cache: {blobdescriptor: inmemory}\n"
                    "  delete: {enabled: true}\n  filesystem: {rootdirectory: %s}\nhttp: {addr: '%s', secret: bench}\n"
                    % (self.data, self.addr))
        self.proc = subprocess.Popen([self.binary, "serve", conf], stdout=open(self.log, "ab"),
                                     stderr=open(os.path.join(self.root, "err.log"), "ab"),
                                     env=dict(os.environ, OTEL_TRACES_EXPORTER="none"))
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("registry did not start, see " + self.root)

    def stop(self):
        if self.proc:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
            self.proc = None

    def wipe(self):
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        self.start()

    def mark(self):
        return os.path.getsize(self.log)

    def cpu(self):
        with open("/proc/%d/stat" % self.proc.pid) as f:
            p = f.read().rsplit(")", 1)[1].split()
        return (int(p[11]) + int(p[12])) / TICK

    def since(self, mark):
        with open(self.log, "rb") as f:
            f.seek(mark)
            return [m.groups() for m in map(LINE.search, f.read().decode("utf-8", "replace").splitlines()) if m]


def kind(method, url):
    path = url.split("?")[0]
    what = ("ping" if path in ("/v2/", "/v2") else "upload" if "/blobs/uploads/" in path else "blob" if "/blobs/" in path
            else "manifest" if "/manifests/" in path else "tags" if path.endswith("/tags/list")
            else "referrers" if "/referrers/" in path else "other")
    return method + " " + what


def tally(a, b):
    c = collections.Counter()
    for side, rows in (("A", a), ("B", b)):
        for method, url, status, size in rows:
            c[side + " " + kind(method, url)] += 1
            if "mount=" in url and status == "201":
                c["mounted"] += 1
            if status.startswith("5") or status == "429":
                c["errors"] += 1
            if side == "A" and method == "GET":
                c["bytes_from_A"] += int(size)
    return c


def run(command, env, log, limit):
    # /usr/bin/time, not this process's own wait4: ru_maxrss would count the Python that forked
    figures = log + ".time"
    with open(log, "ab") as out:
        p = subprocess.Popen(["/usr/bin/time", "-q", "-o", figures, "-f", "%e %U %S %M", "sh", "-c", command],
                             stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env, start_new_session=True)
        try:
            p.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
            return dict(rc=124, wall=limit, cpu=0.0, rss=0.0)
    with open(figures) as f:
        wall, user, system, rss = map(float, f.read().split()[-4:])
    return dict(rc=p.returncode, wall=wall, cpu=user + system, rss=rss / 1024)


def write_configs(work, repos, src, dst):
    def put(name, text):
        path = os.path.join(work, name)
        with open(path, "w") as f:
            f.write(text)
        return path
    tags = [(r["repo"], t) for r in repos for t in r["tags"]]
    out = {"src": src, "dst": dst,
           "tags": put("tags.txt", "".join("%s:%s\n" % x for x in tags)),
           "repos": put("repos.txt", "".join(r["repo"] + "\n" for r in repos))}
    out["regsync"] = put("regsync.yml", "version: 1\ncreds:\n" + "".join(
        "  - registry: %s\n    tls: disabled\n    reqConcurrent: 8\n" % x for x in (src, dst)) +
        "defaults:\n  parallel: 4\nsync:\n" + "".join(
        "  - source: %s/%s\n    target: %s/%s\n    type: repository\n" % (src, r["repo"], dst, r["repo"]) for r in repos))
    out["skopeo"] = put("skopeo.yml", "'%s':\n  tls-verify: false\n  images:\n" % src + "".join(
        "    %s: [%s]\n" % (r["repo"], ", ".join("'%s'" % t for t in r["tags"])) for r in repos))
    out["ocync"] = put("ocync.yaml", "registries:\n  a: {url: 'http://%s', auth_type: static_token, token: none}\n"
                       "  b: {url: 'http://%s', auth_type: static_token, token: none}\ndefaults: {source: a, targets: b}\nmappings:\n" % (src, dst) + "".join(
        "  - {from: %s, to: %s, tags: {glob: '*'}}\n" % (r["repo"], r["repo"]) for r in repos))
    return out


FLOOR = {
    "down": 'while read r d n; do echo "url=http://{src}/v2/$r/blobs/$d"; echo "output=/dev/null"; done <{blobs} | curl -sf -K -',
    "up": 'while read r d n; do l=$(curl -sfi -X POST http://{dst}/v2/$r/blobs/uploads/ | tr -d "\\r" | sed -n "s/^[Ll]ocation: //p"); '
          'case $l in *\\?*) q="&";; *) q="?";; esac; '
          'curl -sf -H "Content-Type: application/octet-stream" -H Expect: -T {store}/${{d#sha256:}} "$l${{q}}digest=$d"; done <{blobs}',
    "pipe": 'while read r d n; do l=$(curl -sfi -X POST http://{dst}/v2/$r/blobs/uploads/ | tr -d "\\r" | sed -n "s/^[Ll]ocation: //p"); '
            'case $l in *\\?*) q="&";; *) q="?";; esac; curl -sf http://{src}/v2/$r/blobs/$d | '
            'curl -sf -H "Content-Type: application/octet-stream" -H Expect: -T - "$l${{q}}digest=$d"; done <{blobs}',
}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--corpus", required=True)
    ap.add_argument("--set", required=True)
    ap.add_argument("--registry-bin", required=True)
    ap.add_argument("--tool", action="append", default=[])
    ap.add_argument("--warm", action="append", default=[])
    ap.add_argument("--phases", default="cold,warm")
    ap.add_argument("--runs", type=int, default=5)
    ap.add_argument("--work", default="/tmp/beside")
    ap.add_argument("--port", type=int, default=5601)
    ap.add_argument("--path", default="")
    ap.add_argument("--limit", type=float, default=300, help="seconds for one command")
    ap.add_argument("--floor", action="store_true")
    ap.add_argument("--check", action="store_true")
    ap.add_argument("--json")
    args = ap.parse_args()
    tools = dict(t.split("=", 1) for t in args.tool)
    warm = dict(t.split("=", 1) for t in args.warm)
    phases = args.phases.split(",")
    os.makedirs(args.work, exist_ok=True)
    with open(os.path.join(args.corpus, "corpus.json")) as f:
        repos = json.load(f)["sets"][args.set]
    a = Registry(args.registry_bin, os.path.join(args.work, "A-" + args.set), args.port)
    b = Registry(args.registry_bin, os.path.join(args.work, "B-" + args.set), args.port + 1)
    rows = collections.defaultdict(list)
    try:
        filled = os.path.exists(a.data)
        a.start()
        if not filled:
            subprocess.run(CORPUS + ["push", "--dir", args.corpus, "--set", args.set, "--registry", a.addr], check=True)
        subs = write_configs(args.work, repos, a.addr, b.addr)
        blobs = os.path.join(args.work, "blobs.txt")
        seen = {}
        for r in repos:
            for d, n in r["blobs"].items():
                seen.setdefault(d, (r["repo"], n))
        with open(blobs, "w") as f:
            f.writelines("%s %s %d\n" % (rp, d, n) for d, (rp, n) in seen.items())
        subs.update(blobs=blobs, store=os.path.join(os.path.abspath(args.corpus), "blobs", "sha256"))

        def measure(name, command, phase, work):
            env = {"PATH": (args.path + ":" if args.path else "") + os.environ["PATH"], "HOME": os.path.join(work, "home"),
                   "TMPDIR": os.path.join(work, "tmp"), "XDG_RUNTIME_DIR": os.path.join(work, "tmp"), "LANG": "C"}
            for k in ("HOME", "TMPDIR"):
                os.makedirs(env[k], exist_ok=True)
            ma, mb, ca = a.mark(), b.mark(), a.cpu() + b.cpu()
            res = run(command.format(work=work, **subs), env, os.path.join(args.work, name + ".out"), args.limit)
            res["regcpu"] = a.cpu() + b.cpu() - ca
            time.sleep(0.05)
            c = tally(a.since(ma), b.since(mb))
            res["kinds"] = dict(c)
            res["requests"] = sum(v for k, v in c.items() if k[:2] in ("A ", "B "))
            rows[name, phase].append(res)
            sys.stderr.write("%-10s %-5s rc=%d wall=%.2f cpu=%.2f rss=%.0f req=%d regcpu=%.2f\n" % (
                name, phase, res["rc"], res["wall"], res["cpu"], res["rss"], res["requests"], res["regcpu"]))
            return res
        for _ in range(args.runs):
            if args.floor:
                for k, cmd in FLOOR.items():
                    b.wipe()
                    measure("floor-" + k, cmd, "cold", os.path.join(args.work, "floor"))
            for name, cmd in tools.items():
                work = os.path.join(args.work, "tool-" + name)
                shutil.rmtree(work, ignore_errors=True)
                b.wipe()
                res = measure(name, cmd, "cold", work)
                if args.check:
                    p = subprocess.run(CORPUS + ["check", "--dir", args.corpus, "--set", args.set, "--registry", b.addr],
                                       capture_output=True, text=True)
                    res["check"] = p.stdout.strip().splitlines()[-1] if p.stdout.strip() else p.stderr[-200:]
                    if p.returncode:
                        sys.stderr.write("           check: %s\n" % p.stdout.strip()[:300])
                if "warm" in phases:
                    measure(name, warm.get(name, cmd), "warm", work)
    finally:
        a.stop()
        b.stop()

    def med(key, col):
        return statistics.median(r[col] for r in rows[key])
    for phase in phases:
        keys = [k for k in rows if k[1] == phase]
        if not keys:
            continue
        basis = ("floor-pipe", phase) if ("floor-pipe", phase) in rows else keys[0]
        w0, c0 = med(basis, "wall"), max(med(basis, "cpu"), 0.01)
        print("\n### set %s, %s: median of %d, ratios to %s\n" % (args.set, phase, args.runs, basis[0]))
        print("| tool | wall s | (min) | ratio | cpu s | ratio | peak RSS MiB | requests | A+B registry cpu s | rc |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
        for k in keys:
            print("| %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.0f | %d | %.2f | %d |" % (
                k[0], med(k, "wall"), min(r["wall"] for r in rows[k]), med(k, "wall") / w0, med(k, "cpu"),
                med(k, "cpu") / c0, med(k, "rss"), med(k, "requests"), med(k, "regcpu"), max(abs(r["rc"]) for r in rows[k])))
        for k in keys:
            last = rows[k][-1]
            print("- %s: %s%s" % (k[0], ", ".join("%s=%d" % x for x in sorted(last["kinds"].items())),
                                   "; check: " + last["check"] if "check" in last else ""))
    if args.json:
        with open(args.json, "w") as f:
            json.dump([dict(tool=k[0], phase=k[1], set=args.set, runs=v) for k, v in rows.items()], f, indent=1)


if __name__ == "__main__":
    main()
