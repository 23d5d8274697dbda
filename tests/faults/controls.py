"""Every checker is given something wrong once: one that cannot fail proves nothing."""
import shutil

import coordinator_kills
from tools import (Failure, Watcher, check_journal, check_no_temporaries, check_one_effect_each, check_vault, digest_of,
                   require, local_cluster)


def must_fail(what, check, *args):
    try:
        check(*args)
    except Failure:
        return
    raise Failure(f"{what} was not noticed")


def vault(folder):
    place = folder / "vault" / "blobs" / "ab"
    place.mkdir(parents=True)
    (place / "draft").write_bytes(b"weights")
    blob = place / digest_of(place / "draft")
    (place / "draft").rename(blob)
    require(check_vault(folder) == [blob.name], "a good vault is refused")
    blob.write_bytes(b"weighty")
    must_fail("a changed blob", check_vault, folder)


def journal(context, folder):
    cluster = coordinator_kills.plain_cluster(context, folder)
    cluster.start_coordinator()
    try:
        asked, acknowledged = coordinator_kills.ask_for_changes(cluster)
        coordinator_kills.check_changes(cluster, asked, acknowledged)
        must_fail("a lost acknowledgement", coordinator_kills.check_changes, cluster, asked + asked, acknowledged + 2)
        must_fail("an effect that nobody asked for", coordinator_kills.check_changes, cluster, asked[:-2], acknowledged - 2)
        watcher = Watcher(cluster)
        watcher.seen = {"1": {"number": "1", "kind": "never"}}
        must_fail("a changed event", watcher.check)
    finally:
        cluster.end()
    check_journal(cluster.state)
    file = cluster.state / "journal.sqlite"
    shutil.copy2(file, folder / "good")
    data = bytearray(file.read_bytes())
    data[len(data) // 2:] = bytes(len(data) - len(data) // 2)
    file.write_bytes(data)
    must_fail("a journal half of zeros", check_journal, cluster.state)
    file.write_bytes(b"")
    must_fail("an empty journal", check_journal, cluster.state)


def facts(folder):
    event = {"kind": "checkpoint_committed", "subject": "BG-1", "text": "term 1: chunk_end at step 1"}
    check_one_effect_each([event])
    must_fail("a fact that stands twice", check_one_effect_each, [event, event])
    must_fail("the same fact under two terms", check_one_effect_each, [event, {**event, "text": "term 2: chunk_end at step 1"}])
    (folder / ("digests.json.tmp-" + "a" * 32)).touch()
    must_fail("a half file", check_no_temporaries, folder)
    rows = [[f"{chunk:02d}", "0", "0", str(chunk), "same"] for chunk in range(local_cluster.CHUNKS)]
    local_cluster.check_ledgers([rows], "BG")
    must_fail("a chunk trained with other samples", local_cluster.check_ledgers, [rows + [[*rows[0][:4], "other"]]], "BG")
    must_fail("a chunk that was left out", local_cluster.check_ledgers, [rows[1:]], "BG")


def cases(context):
    def case(folder):
        folder.mkdir()
        vault(folder)
        facts(folder)
        journal(context, folder / "cluster")
    return [("controls", case)]
