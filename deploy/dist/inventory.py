#!/usr/bin/env python3
"""What a program is made of: a bill of materials (CycloneDX 1.5, JSON) and the licences' texts, from Cargo.lock and the sources of the crates.

    deploy/dist/inventory.py --target TRIPLE --sbom FILE --licences FILE [-- CARGO OPTION...]

The same crates give the same bytes: nothing here has a time, a random number or a path of this machine.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import uuid

TEXTS = re.compile(r"^(licen[cs]e|copying|notice|unlicense)", re.IGNORECASE)


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], check=True, capture_output=True, text=True).stdout


def linked(target, options):
    """Names and versions of the crates that are linked into the program for that target with those options, and who needs whom."""
    tree = cargo("tree", "--locked", "-p", "gcl-sweep", "-e", "normal,no-proc-macro", "--target", target, "--no-dedupe", "--prefix", "depth", "--format", " {p}", *options)
    above, needs = [], collections.defaultdict(set)
    for line in tree.splitlines():
        depth, name, version = re.match(r"(\d+) (\S+) v(\S+)", line).groups()
        crate = (name, version)
        del above[int(depth):]
        if above:
            needs[above[-1]].add(crate)
        needs.setdefault(crate, set())
        above.append(crate)
    return needs


def reference(crate):
    return "pkg:cargo/{}@{}".format(*crate)


def component(package, checksum):
    crate = (package["name"], package["version"])
    found = {"type": "library", "bom-ref": reference(crate), "name": crate[0], "version": crate[1], "purl": reference(crate)}
    if package["description"]:
        found["description"] = " ".join(package["description"].split())
    if package["license"]:
        # Older crates write `/` for OR.
        found["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", package["license"])}]
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        found["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return found


def sbom(root, packages, checksums, needs):
    components = [component(packages[crate], checksums.get(crate)) for crate in sorted(needs) if crate != root]
    program = component(packages[root], None) | {"type": "application"}
    dependencies = [{"ref": reference(crate), "dependsOn": sorted(map(reference, needs[crate]))} for crate in sorted(needs)]
    body = {"metadata": {"component": program}, "components": components, "dependencies": dependencies}
    # The number of a document that says this, and no other.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(body, sort_keys=True))
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{serial}", "version": 1} | body


def licences(packages, needs):
    """Every crate with its licence, then every text once with the crates that it came with."""
    table, texts, without = [], collections.defaultdict(list), []
    for crate in sorted(needs):
        package = packages[crate]
        if package["source"] is None:
            continue
        title = "{} {}".format(*crate)
        table.append("{} ({})".format(title, package["license"] or package["license_file"]))
        folder = pathlib.Path(package["manifest_path"]).parent
        files = sorted(path for path in folder.iterdir() if path.is_file() and TEXTS.match(path.name))
        for path in files:
            texts[path.read_text(errors="replace").replace("\r\n", "\n").strip()].append(f"{title}: {path.name}")
        if not files:
            without.append(title)
    parts = ["gcl-sweep contains these crates:", "\n".join(table)]
    if without:
        parts.append("Their authors ship no text of their licence; the names above are those of https://spdx.org/licenses:\n" + "\n".join(without))
    for text, crates in sorted(texts.items(), key=lambda item: item[1]):
        parts.append("=" * 100 + "\n" + "\n".join(crates) + "\n" + "-" * 100 + "\n" + text)
    return "\n\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", required=True)
    parser.add_argument("--sbom", required=True, type=pathlib.Path)
    parser.add_argument("--licences", required=True, type=pathlib.Path)
    parser.add_argument("options", nargs="*")
    arguments = parser.parse_args()
    needs = linked(arguments.target, arguments.options)
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--locked", "--filter-platform", arguments.target))
    packages = {(package["name"], package["version"]): package for package in metadata["packages"]}
    root = next(crate for crate in needs if crate[0] == "gcl-sweep")
    # Cargo.lock is written by cargo alone, one value a line.
    checksums, name, version = {}, None, None
    lock = pathlib.Path(metadata["workspace_root"]) / "Cargo.lock"
    for line in lock.read_text().splitlines():
        key, _, value = line.partition(" = ")
        value = value.strip('"')
        if key == "name":
            name = value
        elif key == "version":
            version = value
        elif key == "checksum":
            checksums[name, version] = value
    bill = sbom(root, packages, checksums, needs)
    arguments.sbom.write_text(json.dumps(bill, indent=1, ensure_ascii=False) + "\n")
    arguments.licences.write_text(licences(packages, needs))
    print(f"{len(bill['components'])} crates", file=sys.stderr)


main()
