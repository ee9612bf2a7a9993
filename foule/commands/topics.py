"""``foule topics``: creates the topics that are missing and shows how all of them are."""

import json

import click
from rich.console import Console
from rich.table import Table

from config.settings import Duration, Settings
from foule.options import json_option, settings_option
from streams.topics import TopicState, create, inspect


@click.command()
@settings_option
@click.option("--check", is_flag=True, help="Create nothing, only say what is missing or differs.")
@json_option
@click.pass_context
def topics(context: click.Context, settings: Settings, check: bool, as_json: bool) -> None:
    """Create the Kafka topics that are missing, with their partitions, retention and compaction.

    A topic that exists is left as it is; what differs is listed with what to change. The exit status is 1 if
    something is missing or differs afterwards.
    """
    created = [] if check else create(settings)
    states = inspect(settings)
    problems = [problem for state in states for problem in state.problems]
    if as_json:
        rows = [_row(state, created) for state in states]
        click.echo(json.dumps({"topics": rows, "created": created, "problems": problems}))
    else:
        Console().print(_table(states, created))
        for problem in problems:
            click.echo(problem, err=True)
    if problems:
        context.exit(1)


def _word(state: TopicState, created: list[str]) -> str:
    if not state.exists:
        return "missing"
    if state.problems:
        return "differs"
    return "created" if state.plan.name in created else "ok"


def _kept(state: TopicState) -> str:
    if state.plan.config["cleanup.policy"] == "compact":
        return "newest of each key"
    return Duration(int(state.plan.config["retention.ms"])).text


def _row(state: TopicState, created: list[str]) -> dict[str, object]:
    return {
        "name": state.plan.name,
        "state": _word(state, created),
        "partitions": state.partitions,
        "replication": state.replication,
        "planned": {
            "partitions": state.plan.partitions,
            "replication": state.plan.replication,
            "config": dict(state.plan.config),
        },
    }


def _table(states: list[TopicState], created: list[str]) -> Table:
    table = Table("topic", "partitions", "replicas", "kept", "state", box=None, pad_edge=False)
    colours = {"missing": "red", "differs": "red", "created": "green", "ok": "green"}
    for state in states:
        word = _word(state, created)
        layout = (str(state.partitions), str(state.replication)) if state.exists else ("-", "-")
        table.add_row(state.plan.name, *layout, _kept(state), f"[{colours[word]}]{word}[/]")
    return table
