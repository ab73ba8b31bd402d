"""A dictionary as TOML, as far as the gate's configuration needs it."""


def value(item):
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, (int, float)):
        return str(item)
    if isinstance(item, (list, tuple)):
        return "[" + ", ".join(map(value, item)) + "]"
    if isinstance(item, dict):
        return "{ " + ", ".join(f"{key} = {value(inner)}" for key, inner in item.items()) + " }"
    text = str(item).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{text}"'


def dump(settings):
    """Top level: tables, and "site": a list of dictionaries whose inner dictionaries are the site's tables."""
    out = []
    for name, table in settings.items():
        if name != "site":
            out.append(f"[{name}]")
            out += [f"{key} = {value(item)}" for key, item in table.items()]
    for site in settings.get("site", []):
        out.append("[[site]]")
        out += [f"{key} = {value(item)}" for key, item in site.items() if not isinstance(item, dict)]
        for name, table in site.items():
            if isinstance(table, dict):
                out.append(f"[site.{name}]")
                out += [f"{key} = {value(item)}" for key, item in table.items()]
    return "\n".join(out) + "\n"
