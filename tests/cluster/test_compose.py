"""What docker-compose.yml says twice, or could say wrongly without anybody noticing."""

import re
from collections import Counter
from pathlib import Path

from cucmsim.cli.published import parse_published

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+:?-([^}]*)\}")
_SERVICE = re.compile(r"^  [a-z0-9-]+:(?: &[a-z-]+)?\n(?:(?:    .*)?\n)+", re.MULTILINE)
_PORTS = re.compile(r'^      - "\$\{LAB_PUBLISH:-127\.0\.0\.1\}:(\S+)"$', re.MULTILINE)
_NODE = re.compile(r'"--node", "([^"]+)"')


def _services() -> list[str]:
    return _SERVICE.findall(COMPOSE.partition("\nservices:\n")[2].partition("\nnetworks:\n")[0])


def test_where_is_told_each_published_port_of_each_node() -> None:
    told = "".join(re.findall(r"LAB_PUBLISHED: >-.*\n((?:      .*\n)+)", COMPOSE))
    published = ""
    for service in _services():
        if node := _NODE.search(service):
            published += f"{node[1]}@127.0.0.1 {' '.join(_PORTS.findall(service))} "
    told, published = (_VARIABLE.sub(r"\1", text) for text in (told, published))
    assert parse_published(told) == parse_published(published)
    assert len(parse_published(told)) > 30


def test_no_two_services_are_published_on_the_same_port() -> None:
    ports = [_VARIABLE.sub(r"\1", port) for each in _services() for port in _PORTS.findall(each)]
    taken = Counter((port.partition(":")[0], "/udp" in port) for port in ports if port[0] != ":")
    assert taken.total() > 30
    assert [port for port, count in taken.items() if count > 1] == []


def test_each_variable_of_the_lab_stands_in_the_documentation() -> None:
    named = set(re.findall(r"(?<=\$\{)LAB_[A-Z0-9_]+", COMPOSE))
    documented = (ROOT / "docs" / "docker.md").read_text()
    assert sorted(name for name in named if f"`{name}`" not in documented) == []
