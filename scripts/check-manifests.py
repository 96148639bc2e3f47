#!/usr/bin/env python3
"""Checks compose.yaml and contrib/kubernetes/ without a cluster and without a network. Needs PyYAML.

    scripts/check-manifests.py [--commands]

Each object is held against the fields that Kubernetes knows where the package `kubernetes` (its generated types) is
installed; otherwise that part is left out, and said so. Always checked: that what is named exists (volumes, maps, claims,
ports, labels), that the probes are there, and that every container runs without rights. --commands prints the arguments of
each container as a line of JSON, for a test that asks the program whether it knows them.
"""
import json
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "contrib" / "kubernetes"
problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


# --- the fields that Kubernetes knows ---


def known_types():
    try:
        import kubernetes.client.models as models
    except ImportError:
        return None
    return models


MODELS = {
    "ConfigMap": "V1ConfigMap",
    "PersistentVolumeClaim": "V1PersistentVolumeClaim",
    "Deployment": "V1Deployment",
    "CronJob": "V1CronJob",
    "StatefulSet": "V1StatefulSet",
    "Service": "V1Service",
    "NetworkPolicy": "V1NetworkPolicy",
}
PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float)}


def fits(models, value, kind, where):
    """Walks a value along the generated types."""
    if match := re.fullmatch(r"list\[(.*)\]", kind):
        if not isinstance(value, list):
            return problem(where, f"is {value!r} and not a list")
        for n, item in enumerate(value):
            fits(models, item, match[1], f"{where}[{n}]")
    elif match := re.fullmatch(r"dict\((\w+), (.*)\)", kind):
        if not isinstance(value, dict):
            return problem(where, f"is {value!r} and not a table")
        for key, item in value.items():
            fits(models, item, match[2], f"{where}.{key}")
    elif kind in PLAIN:
        if not isinstance(value, PLAIN[kind]) or (kind != "bool" and isinstance(value, bool)):
            problem(where, f"is {value!r} and not {kind}")
    elif model := getattr(models, kind, None):
        if not isinstance(value, dict):
            return problem(where, f"is {value!r} and not {kind}")
        names = {json_name: name for name, json_name in model.attribute_map.items()}
        for key, item in value.items():
            if key not in names:
                problem(where, f"has `{key}`, which {kind} does not know")
            else:
                fits(models, item, model.openapi_types[names[key]], f"{where}.{key}")
        try:
            # The constructor refuses what is required and missing.
            model(**{names[key]: item for key, item in value.items() if key in names})
        except (ValueError, TypeError) as error:
            problem(where, error)


# --- what fits together ---


def pods(name, item):
    """The pod template of an object, with the labels it says its pods have."""
    spec = item.get("spec", {})
    if item["kind"] in ("Deployment", "StatefulSet"):
        yield name, spec["template"], spec["selector"]["matchLabels"]
    if item["kind"] == "CronJob":
        template = spec["jobTemplate"]["spec"]["template"]
        yield name, template, template["metadata"]["labels"]


def check_pod(name, template, labels, there, daemon, claims):
    spec = template["spec"]
    if not labels.items() <= template["metadata"]["labels"].items():
        problem(name, "its selector does not match its own pods")
    # Of a StatefulSet each pod has claims of its own.
    volumes = {claim["metadata"]["name"]: claim for claim in claims}
    for volume in spec["volumes"]:
        volumes[volume["name"]] = volume
        source = volume.get("configMap", {})
        if source and not source.get("optional") and ("ConfigMap", source["name"]) not in there:
            problem(name, f"there is no ConfigMap {source['name']}")
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim and ("PersistentVolumeClaim", claim) not in there:
            problem(name, f"there is no PersistentVolumeClaim {claim}")
    outer = spec["securityContext"]
    if not outer.get("runAsNonRoot") or outer.get("runAsUser") != 10001 or outer.get("fsGroup") != 10001:
        problem(name, "does not run as the image's user")
    if outer.get("seccompProfile", {}).get("type") != "RuntimeDefault" or spec.get("automountServiceAccountToken") is not False:
        problem(name, "has more rights than it needs")
    for container in spec["containers"]:
        inner = container["securityContext"]
        if (
            inner.get("allowPrivilegeEscalation") is not False
            or inner.get("readOnlyRootFilesystem") is not True
            or inner.get("capabilities", {}).get("drop") != ["ALL"]
        ):
            problem(name, "its container is not locked down")
        if not {"cpu", "memory"} <= container["resources"]["limits"].keys() & container["resources"]["requests"].keys():
            problem(name, "its resources are not bounded")
        mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
        for path in ("/config", "/data/out", "/data/state", "/tmp"):
            if path not in mounts:
                problem(name, f"nothing is mounted at {path}")
        for mount in mounts.values():
            if mount["name"] not in volumes:
                problem(name, f"there is no volume {mount['name']}")
            elif "configMap" in volumes[mount["name"]] and "subPath" in mount:
                problem(name, "a map mounted by subPath does not follow its changes")
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        probes = {probe: container.get(probe, {}).get("httpGet", {}) for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
        if daemon:
            wanted = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
            for probe, path in wanted.items():
                if probes[probe].get("path") != path or probes[probe].get("port") not in ports:
                    problem(name, f"its {probe} does not ask {path} at a port it has")
        yield container["args"], ports


def main():
    models = known_types()
    if models is None:
        print("check-manifests.py: the package kubernetes is not here; fields are not held against its types", file=sys.stderr)
    items = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        for item in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if item["kind"] != "Kustomization":
                items[(item["kind"], item["metadata"]["name"])] = (path.name, item)
                if models and (model := MODELS.get(item["kind"])):
                    fits(models, item, model, path.name)
                elif item["kind"] not in MODELS:
                    problem(path.name, f"{item['kind']} is not checked")
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    for name in listed:
        if not (FOLDER / name).exists():
            problem("kustomization.yaml", f"there is no {name}")
    commands, daemon_labels, ports = [], {}, {}
    for name, item in items.values():
        for _, template, labels in pods(name, item):
            daemon = item["kind"] in ("Deployment", "StatefulSet")
            claims = item["spec"].get("volumeClaimTemplates", [])
            for args, open_ports in check_pod(name, template, labels, items, daemon, claims):
                commands.append(args)
                if item["kind"] == "Deployment":
                    daemon_labels, ports = template["metadata"]["labels"], open_ports
    deployment = items[("Deployment", "jingwen")][1]["spec"]
    if deployment["replicas"] != 1 or deployment["strategy"]["type"] != "Recreate":
        problem("deployment.yaml", "two processes would want the state at once")
    cron = items[("CronJob", "jingwen-crawl")][1]["spec"]
    if cron["concurrencyPolicy"] != "Forbid" or cron["jobTemplate"]["spec"]["backoffLimit"] != 0:
        problem("cronjob.yaml", "two processes would want the state at once")
    workers = items[("StatefulSet", "jingwen-worker")][1]["spec"]
    if not any(claim["metadata"]["name"] == "data" for claim in workers["volumeClaimTemplates"]):
        problem("statefulset.yaml", "its workers have no folders of their own")
    if "JINGWEN_POSTGRES" not in {entry["name"] for entry in workers["template"]["spec"]["containers"][0]["env"]}:
        problem("statefulset.yaml", "its workers share no frontier")
    if ("Service", workers["serviceName"]) not in items:
        problem("statefulset.yaml", f"there is no service {workers['serviceName']}")
    service = items[("Service", "jingwen")][1]["spec"]
    if not service["selector"].items() <= daemon_labels.items() or service["ports"][0]["targetPort"] not in ports:
        problem("service.yaml", "leads to no pod of the daemon")
    policy = items[("NetworkPolicy", "jingwen")][1]["spec"]
    if not policy["podSelector"]["matchLabels"].items() <= daemon_labels.items():
        problem("networkpolicy.yaml", "is for no pod of the daemon")
    if policy["ingress"][0]["ports"][0]["port"] not in ports.values():
        problem("networkpolicy.yaml", "lets nobody in where the daemon listens")

    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    for name, service in compose["services"].items():
        where = f"compose.yaml: {name}"
        if service["cap_drop"] != ["ALL"] or "no-new-privileges:true" not in service["security_opt"]:
            problem(where, "is not locked down")
        if "build" in service:
            commands.append(service["command"])
            if not service["read_only"] or not service["init"]:
                problem(where, "is not locked down")
        elif "healthcheck" not in service or service.get("ports"):
            problem(where, "says nothing of its health, or is open to others")
        for secret in service.get("secrets", []):
            if secret not in compose["secrets"]:
                problem(where, f"there is no secret {secret}")
        for key, value in service.get("environment", {}).items():
            if "PASSWORD" in key and not value.startswith("/run/secrets/") or re.search("://[^/@]*:[^/@]*@", value):
                problem(where, f"has a password in {key}")
        for other in service.get("depends_on", {}):
            if other not in compose["services"] or compose["services"][other].get("profiles") != service.get("profiles"):
                problem(where, f"waits for {other}, which is not started with it")
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if not source.startswith(".") and source not in compose["volumes"]:
                problem(where, f"there is no volume {source}")
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                problem(where, "is open to everybody")

    if "--commands" in sys.argv[1:]:
        for command in commands:
            print(json.dumps(command))
    for text in problems:
        print(text, file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
