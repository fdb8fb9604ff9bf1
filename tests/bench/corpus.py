#!/usr/bin/env python3
"""Reproducible OCI sample corpus, made without a network.

USAGE
  corpus.py gen   --out DIR [--set large,small,multi] [--scale F] [--repos N]
  corpus.py push  --dir DIR --registry HOST:PORT [--set ...] [--jobs N]
  corpus.py list  --dir DIR [--set ...] [--what tags|repos|blobs|bytes]
  corpus.py check --dir DIR --registry HOST:PORT [--set ...] [--deep] [--no-extra-tags]

`gen` writes DIR/blobs/sha256/<hex> (every blob and manifest once) and
DIR/corpus.json, which lists per set, per repository: the blobs, the manifests
in push order and the tags.  Same arguments, same bytes: layers come from a
seeded Mersenne twister, packed as a one-file tar in a gzip stream of *stored*
blocks written by hand (so no zlib version matters), and no clock is read.

SETS (sizes at --scale 1)
  large  1 image, 1 tag, 4 layers of 256 MiB incompressible data
  small  200 repositories x 3 tags; three base layers (2, 1, 0.5 MiB) shared by
         all, one of ten 0.5 MiB "language" layers shared by 20 repositories,
         one 32 KiB layer of its own per tag
  multi  5 repositories, 1 tag each: an index of 4 platforms (3 layers of 512
         KiB each) plus what supply-chain tools hang on it: a cosign signature
         (tag sha256-<hex>.sig), an SBOM and a provenance statement (OCI 1.1
         `subject`), and the referrers fallback tag sha256-<hex> that lists
         them, as registries without the referrers API need

`push` fills a registry (plain HTTP, no auth).  `check` compares a registry
with the corpus: every tag must answer the corpus digest, every blob must be
there (HEAD), and with --deep every blob's bytes must hash to its digest.
It prints `ok N tags, M blobs` and exits 0, or prints what differs and exits 1.
--scale multiplies layer sizes and nothing else (0.01 makes a quick smoke set);
--repos overrides the number of repositories in small (200) and multi (5).
Python 3.9+, standard library only.
"""
import argparse, hashlib, http.client, io, json, os, random, sys, tarfile, threading, queue, zlib

MT_IMG = "application/vnd.oci.image.manifest.v1+json"
MT_IDX = "application/vnd.oci.image.index.v1+json"
MT_CFG = "application/vnd.oci.image.config.v1+json"
MT_LAY = "application/vnd.oci.image.layer.v1.tar+gzip"
MT_EMPTY = "application/vnd.oci.empty.v1+json"
ACCEPT = ", ".join([MT_IDX, MT_IMG, "application/vnd.docker.distribution.manifest.v2+json",
                    "application/vnd.docker.distribution.manifest.list.v2+json"])
MIB = 1 << 20


def canon(obj):
    return json.dumps(obj, separators=(",", ":"), sort_keys=True).encode()


class Store:
    """Content-addressed folder; knows each blob's size."""

    def __init__(self, root):
        self.root = os.path.join(root, "blobs", "sha256")
        os.makedirs(self.root, exist_ok=True)

    def path(self, digest):
        return os.path.join(self.root, digest.split(":")[1])

    def put(self, data, media_type, **more):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        with open(self.path(digest), "wb") as f:
            f.write(data)
        return dict(mediaType=media_type, digest=digest, size=len(data), **more)

    def layer(self, name, size):
        """A tar.gz layer of `size` random bytes; returns (descriptor, diff_id)."""
        rnd = random.Random("layer:" + name)
        info = tarfile.TarInfo("data/" + name.replace("/", "_") + ".bin")
        info.size, info.mode, info.mtime = size, 0o644, 0
        blob, diff, crc, total = hashlib.sha256(), hashlib.sha256(), 0, 0
        tmp = os.path.join(self.root, ".tmp-%d" % os.getpid())
        with open(tmp, "wb") as f:
            def raw(b):
                blob.update(b)
                f.write(b)

            def tar_bytes():
                yield info.tobuf(tarfile.USTAR_FORMAT)
                left = size
                while left:
                    n = min(left, MIB)
                    yield rnd.randbytes(n)
                    left -= n
                yield b"\0" * ((-size) % 512 + 1024)

            raw(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
            for part in tar_bytes():
                diff.update(part)
                crc = zlib.crc32(part, crc)
                total += len(part)
                for i in range(0, len(part), 65535):
                    piece = part[i:i + 65535]
                    n = len(piece)
                    raw(b"\x00" + n.to_bytes(2, "little") + (n ^ 0xFFFF).to_bytes(2, "little") + piece)
            raw(b"\x01\x00\x00\xff\xff" + crc.to_bytes(4, "little") + (total & 0xFFFFFFFF).to_bytes(4, "little"))
            length = f.tell()
        digest = "sha256:" + blob.hexdigest()
        os.replace(tmp, self.path(digest))
        return dict(mediaType=MT_LAY, digest=digest, size=length), "sha256:" + diff.hexdigest()


class Repo:
    def __init__(self, name):
        self.name, self.blobs, self.manifests, self.tags = name, {}, [], {}

    def blob(self, desc):
        self.blobs[desc["digest"]] = desc["size"]
        return desc

    def manifest(self, store, obj, tag=None):
        desc = store.put(canon(obj), obj["mediaType"])
        self.manifests.append(dict(digest=desc["digest"], mediaType=desc["mediaType"], size=desc["size"]))
        if tag:
            self.tags[tag] = desc["digest"]
        return desc

    def image(self, store, layers, label, tag=None, arch="amd64"):
        cfg = canon({"architecture": arch, "os": "linux", "config": {"Labels": {"corpus": label}},
                     "created": "2020-01-01T00:00:00Z",
                     "rootfs": {"type": "layers", "diff_ids": [d for _, d in layers]}})
        cdesc = self.blob(store.put(cfg, MT_CFG))
        for l, _ in layers:
            self.blob(l)
        return self.manifest(store, {"schemaVersion": 2, "mediaType": MT_IMG, "config": cdesc,
                                     "layers": [l for l, _ in layers]}, tag)

    def dump(self):
        return dict(repo=self.name, blobs=self.blobs, manifests=self.manifests, tags=self.tags)


def gen_large(store, scale, count=1):
    r = Repo("large/one")
    r.image(store, [store.layer("large-%d" % i, int(256 * MIB * scale)) for i in range(4)], "large", "v1")
    return [r]


def gen_small(store, scale, count=0):
    count = count or 200
    base = [store.layer("base-%d" % i, int(s * MIB * scale)) for i, s in enumerate((2, 1, 0.5))]
    lang = [store.layer("lang-%d" % i, int(0.5 * MIB * scale)) for i in range(10)]
    out = []
    for i in range(count):
        r = Repo("small/img-%03d" % i)
        for tag in ("v1.0.0", "v1.1.0", "latest"):
            own = store.layer("own-%03d-%s" % (i, tag), int(32 * 1024 * scale))
            r.image(store, base + [lang[i % 10], own], "%03d-%s" % (i, tag), tag)
        out.append(r)
    return out


def gen_multi(store, scale, count=0):
    count = count or 5
    out = []
    for i in range(count):
        r = Repo("multi/app-%d" % i)
        members = []
        for arch, variant in (("amd64", None), ("arm64", None), ("arm", "v7"), ("s390x", None)):
            layers = [store.layer("multi-%d-%s-%d" % (i, arch, k), int(512 * 1024 * scale)) for k in range(3)]
            d = r.image(store, layers, "multi-%d-%s" % (i, arch), None, arch)
            plat = {"architecture": arch, "os": "linux"}
            if variant:
                plat["variant"] = variant
            members.append(dict(d, platform=plat))
        idx = r.manifest(store, {"schemaVersion": 2, "mediaType": MT_IDX, "manifests": members}, "v1")
        dashed = idx["digest"].replace(":", "-")
        # cosign, tag scheme
        payload = canon({"critical": {"image": {"docker-manifest-digest": idx["digest"]},
                                      "type": "cosign container image signature"}, "optional": None})
        sig = r.blob(store.put(payload, "application/vnd.dev.cosign.simplesigning.v1+json",
                               annotations={"dev.cosignproject.cosign/signature": "MEUC" + "A" * 92}))
        cfg = r.blob(store.put(canon({"architecture": "", "os": "", "rootfs": {"type": "layers", "diff_ids": [sig["digest"]]}}), MT_CFG))
        r.manifest(store, {"schemaVersion": 2, "mediaType": MT_IMG, "config": cfg, "layers": [sig]}, dashed + ".sig")
        # OCI 1.1 subject, and the fallback tag
        empty = r.blob(store.put(b"{}", MT_EMPTY))
        refs = []
        for kind, n in (("application/spdx+json", 40000), ("application/vnd.in-toto+json", 6000)):
            rnd = random.Random("ref-%d-%s" % (i, kind))
            body = canon({"kind": kind, "of": idx["digest"], "data": rnd.randbytes(n).hex()})
            b = r.blob(store.put(body, kind))
            d = r.manifest(store, {"schemaVersion": 2, "mediaType": MT_IMG, "artifactType": kind, "config": empty,
                                   "layers": [b], "subject": {k: idx[k] for k in ("mediaType", "digest", "size")}})
            refs.append(dict(d, artifactType=kind))
        r.manifest(store, {"schemaVersion": 2, "mediaType": MT_IDX, "manifests": refs}, dashed)
        out.append(r)
    return out


SETS = {"large": gen_large, "small": gen_small, "multi": gen_multi}


def load(root, sets):
    with open(os.path.join(root, "corpus.json")) as f:
        doc = json.load(f)
    return [r for s in sets for r in doc["sets"][s]]


def connect(registry):
    host, port = registry.rsplit(":", 1)
    c = http.client.HTTPConnection(host, int(port), timeout=600)
    return c


def call(c, method, path, body=None, headers={}, want=(200, 201, 202, 204)):
    c.request(method, path, body=body, headers=headers)
    resp = c.getresponse()
    data = resp.read()
    if want and resp.status not in want:
        raise RuntimeError("%s %s -> %d %s" % (method, path, resp.status, data[:200]))
    return resp, data


def fan_out(items, jobs, work):
    q, errors = queue.Queue(), []
    for it in items:
        q.put(it)

    def run():
        state = {}
        while True:
            try:
                it = q.get_nowait()
            except queue.Empty:
                return
            try:
                work(state, it)
            except Exception as e:  # reported below, all at once
                errors.append("%s: %s" % (it["repo"], e))
                state.clear()
    threads = [threading.Thread(target=run) for _ in range(jobs)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    return errors


def push(args, sets):
    store = Store(args.dir)
    seen, lock = {}, threading.Lock()

    def one(state, r):
        c = state.setdefault("c", connect(args.registry))
        for d, size in r["blobs"].items():
            with lock:
                home = seen.get(d)
            url = "/v2/%s/blobs/uploads/" % r["repo"]
            if home:
                resp, _ = call(c, "POST", url + "?mount=%s&from=%s" % (d, home))
                if resp.status == 201:
                    continue
            else:
                resp, _ = call(c, "POST", url)
            loc = resp.getheader("Location")
            loc = loc[loc.index("/v2/"):]
            with open(store.path(d), "rb") as f:
                call(c, "PUT", loc + ("&" if "?" in loc else "?") + "digest=" + d, body=f,
                     headers={"Content-Length": str(size), "Content-Type": "application/octet-stream"})
            with lock:
                seen[d] = r["repo"]
        by_digest = {v: [] for v in r["tags"].values()}
        for t, d in r["tags"].items():
            by_digest[d].append(t)
        for m in r["manifests"]:
            with open(store.path(m["digest"]), "rb") as f:
                body = f.read()
            for ref in by_digest.get(m["digest"]) or [m["digest"]]:
                call(c, "PUT", "/v2/%s/manifests/%s" % (r["repo"], ref), body, {"Content-Type": m["mediaType"]})
    return fan_out(load(args.dir, sets), args.jobs, one)


def check(args, sets):
    count = {"tags": 0, "blobs": 0}
    problems = []

    def one(state, r):
        c = state.setdefault("c", connect(args.registry))
        base = "/v2/" + r["repo"]
        for t, d in r["tags"].items():
            resp, _ = call(c, "HEAD", base + "/manifests/" + t, headers={"Accept": ACCEPT}, want=None)
            got = resp.getheader("Docker-Content-Digest")
            if resp.status != 200 or got != d:
                problems.append("%s:%s is %s (%d), not %s" % (r["repo"], t, got, resp.status, d))
            count["tags"] += 1
        for m in r["manifests"]:
            resp, data = call(c, "GET", base + "/manifests/" + m["digest"], headers={"Accept": ACCEPT}, want=None)
            if resp.status != 200 or "sha256:" + hashlib.sha256(data).hexdigest() != m["digest"]:
                problems.append("%s@%s: %d" % (r["repo"], m["digest"], resp.status))
        for d in r["blobs"]:
            if args.deep:
                resp, data = call(c, "GET", base + "/blobs/" + d, want=None)
                good = resp.status == 200 and "sha256:" + hashlib.sha256(data).hexdigest() == d
            else:
                resp, _ = call(c, "HEAD", base + "/blobs/" + d, want=None)
                good = resp.status == 200
            if not good:
                problems.append("%s blob %s: %d" % (r["repo"], d, resp.status))
            count["blobs"] += 1
        if args.no_extra_tags:
            resp, data = call(c, "GET", base + "/tags/list", want=None)
            extra = set(json.loads(data).get("tags") or []) - set(r["tags"]) if resp.status == 200 else set()
            if extra:
                problems.append("%s has extra tags %s" % (r["repo"], sorted(extra)))
    errors = fan_out(load(args.dir, sets), args.jobs, one)
    for p in (problems + errors)[:20]:
        print(p)
    if problems or errors:
        print("differs: %d problem(s)" % (len(problems) + len(errors)))
        return 1
    print("ok %d tags, %d blobs" % (count["tags"], count["blobs"]))
    return 0


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="cmd", required=True)
    for name in ("gen", "push", "list", "check"):
        p = sub.add_parser(name)
        p.add_argument("--set", default="large,small,multi")
        p.add_argument("--out" if name == "gen" else "--dir", required=True)
        if name == "gen":
            p.add_argument("--scale", type=float, default=1.0)
            p.add_argument("--repos", type=int, default=0)
        if name in ("push", "check"):
            p.add_argument("--registry", required=True)
            p.add_argument("--jobs", type=int, default=4)
        if name == "check":
            p.add_argument("--deep", action="store_true")
            p.add_argument("--no-extra-tags", action="store_true")
        if name == "list":
            p.add_argument("--what", choices=("tags", "repos", "blobs", "bytes"), default="tags")
    args = ap.parse_args()
    sets = args.set.split(",")
    if args.cmd == "gen":
        store, doc = Store(args.out), {"scale": args.scale, "sets": {}}
        for s in sets:
            doc["sets"][s] = [r.dump() for r in SETS[s](store, args.scale, args.repos)]
        with open(os.path.join(args.out, "corpus.json"), "w") as f:
            json.dump(doc, f)
    elif args.cmd == "push":
        errors = push(args, sets)
        for e in errors[:10]:
            print(e)
        return 1 if errors else 0
    elif args.cmd == "check":
        return check(args, sets)
    else:
        repos = load(args.dir, sets)
        if args.what == "tags":
            for r in repos:
                for t in r["tags"]:
                    print("%s:%s" % (r["repo"], t))
        elif args.what == "repos":
            for r in repos:
                print(r["repo"])
        elif args.what == "blobs":
            for r in repos:
                for d, n in r["blobs"].items():
                    print(r["repo"], d, n)
        else:
            uniq = {}
            linked = 0
            for r in repos:
                uniq.update(r["blobs"])
                linked += sum(r["blobs"].values())
            print("repos=%d tags=%d manifests=%d unique_blobs=%d unique_bytes=%d repo_blobs=%d repo_bytes=%d" % (
                len(repos), sum(len(r["tags"]) for r in repos), sum(len(r["manifests"]) for r in repos),
                len(uniq), sum(uniq.values()), sum(len(r["blobs"]) for r in repos), linked))
    return 0


if __name__ == "__main__":
    sys.exit(main())
