"""Kubernetes manifests held against the API's own types, as python3-kubernetes has them: every field known, of the right
type, and none missing that is required. What the API server would say, without one."""
import re

from kubernetes import client

MODELS = {
    ("v1", "Namespace"): client.V1Namespace, ("v1", "ConfigMap"): client.V1ConfigMap,
    ("v1", "Service"): client.V1Service, ("v1", "Secret"): client.V1Secret,
    ("apps/v1", "StatefulSet"): client.V1StatefulSet, ("apps/v1", "DaemonSet"): client.V1DaemonSet,
    ("policy/v1", "PodDisruptionBudget"): client.V1PodDisruptionBudget,
    ("networking.k8s.io/v1", "NetworkPolicy"): client.V1NetworkPolicy,
}
PLAIN = {"str": str, "int": int, "bool": bool}


def faults_of(manifest):
    """What is wrong, as "path: words"; [] when nothing is."""
    model = MODELS.get((manifest.get("apiVersion"), manifest.get("kind")))
    return [f"{manifest.get('kind')}: no such thing"] if model is None else _model(manifest, model, manifest["kind"])


def _model(value, model, path):
    if not isinstance(value, dict):
        return [f"{path}: not a mapping"]
    fields = {key: name for name, key in model.attribute_map.items()}
    faults = [f"{path}.{key}: no such field" for key in value if key not in fields]
    arguments = {fields[key]: item for key, item in value.items() if key in fields}
    try:
        model(**arguments, local_vars_configuration=_strict())
    except ValueError as fault:
        faults.append(f"{path}: {fault}")
    for name, item in arguments.items():
        faults += _typed(item, model.openapi_types[name], f"{path}.{model.attribute_map[name]}")
    return faults


def _strict():
    settings = client.Configuration()
    settings.client_side_validation = True
    return settings


def _typed(value, kind, path):
    if inner := re.fullmatch(r"list\[(.*)\]", kind):
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        return [fault for at, item in enumerate(value) for fault in _typed(item, inner[1], f"{path}[{at}]")]
    if inner := re.fullmatch(r"dict\(str, (.*)\)", kind):
        if not isinstance(value, dict):
            return [f"{path}: not a mapping"]
        return [fault for key, item in value.items() for fault in _typed(item, inner[1], f"{path}.{key}")]
    if kind == "object":        # a number or a name: ports, quantities
        return [] if isinstance(value, (int, str)) and not isinstance(value, bool) else [f"{path}: {value!r}"]
    if kind in PLAIN:
        return [] if type(value) is PLAIN[kind] else [f"{path}: {value!r} is no {kind}"]
    return _model(value, getattr(client, kind), path)
