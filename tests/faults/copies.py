"""State folders that were copied, and old copies that were put back: noticed, every term moved, the plan paused for a person."""
import shutil

import zombies
from tools import await_event, check_journal, check_one_effect_each, check_vault, require

LOST_TERMS = 1_000_000  # terms after a lost history begin beyond


def kinds(cluster):
    return [event["kind"] for event in cluster.events() or []]


def finished(cluster):
    return kinds(cluster).count("chunk_completed")


def finish_one_more(cluster, chunk):
    """The run whose turn it is finishes this chunk; the other one waits for it."""
    before = finished(cluster)
    zombies.let_go(cluster, chunk)
    await_event(f"a run's chunk {chunk}", lambda: finished(cluster) > before)


def one_chunk_then_a_copy(context, folder):
    """A cluster one of whose runs has finished a chunk, its coordinator stopped, and a copy of the state of that moment."""
    cluster = zombies.stand_in_cluster(context, folder, "paced")
    cluster.start_coordinator()
    cluster.start_worker("member-1")
    finish_one_more(cluster, 0)
    cluster.kill_coordinator()
    copy = folder / "copy"
    shutil.copytree(cluster.state, copy, copy_function=shutil.copy2)
    return cluster, copy


def await_notice(cluster, who):
    await_event("the lost history in events", lambda: "history_lost" in kinds(cluster))
    line = next(event["text"] for event in cluster.events() if event["kind"] == "history_lost")
    require(who in line, f"'{who}' does not stand in: {line}")
    require("make sure that no other coordinator runs this plan" in cluster.problems(),
            f"status does not say so: {cluster.problems()}")
    require(cluster.ask("status")["paused"], "the plan goes on before a person has looked")


def finish_after_resume(cluster):
    """Every run goes on under a term beyond all that were lost, and each chunk counts once."""
    before = len(cluster.events())
    cluster.tell("resume")
    zombies.let_go(cluster, 2)
    await_event("every chunk of both runs", lambda: finished(cluster) == 6)
    grants = [event["text"] for event in cluster.events()[before:] if event["kind"] == "task_granted"]
    require(grants, "nothing was granted after the resume")
    for text in grants:
        require(int(text.split()[1].rstrip(":")) > LOST_TERMS, f"an old term was granted: {text}")
    check_one_effect_each(cluster.events())
    check_vault(cluster.state)


def old_copy(context, folder, files, who):
    """`files` of the state folder (all of it when none are named) are put back from a copy that lacks a chunk and a start."""
    cluster, copy = one_chunk_then_a_copy(context, folder)
    try:
        cluster.start_coordinator()
        finish_one_more(cluster, 1)
        cluster.kill_coordinator()
        for name in files:
            shutil.copy2(copy / name, cluster.state / name)
        if not files:
            shutil.rmtree(cluster.state)
            copy.rename(cluster.state)
        cluster.start_coordinator()
        await_notice(cluster, who)
        finish_after_resume(cluster)
    finally:
        cluster.end()
    check_journal(cluster.state)


def both_copies(context, folder):
    """A copy takes the original's place and its worker along; when the original comes back, it learns that it is the older
    one."""
    cluster, copy = one_chunk_then_a_copy(context, folder)
    try:
        original = folder / "original"
        cluster.state.rename(original)
        copy.rename(cluster.state)
        cluster.start_coordinator()
        await_notice(cluster, "this state folder is a copy")
        cluster.tell("resume")
        finish_one_more(cluster, 1)
        cluster.kill_coordinator()
        cluster.state.rename(copy)
        original.rename(cluster.state)
        cluster.start_coordinator()
        await_notice(cluster, "box ")
        finish_after_resume(cluster)
    finally:
        cluster.end()
    check_journal(cluster.state)


def cases(context):
    return [
        ("copy-old-state", lambda folder: old_copy(context, folder, (), "this state folder is a copy")),
        ("copy-old-journal", lambda folder: old_copy(context, folder, ("journal.sqlite",), "the state folder")),
        ("copy-both", lambda folder: both_copies(context, folder)),
    ]
