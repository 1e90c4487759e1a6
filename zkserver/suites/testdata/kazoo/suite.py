"""The recipes and basic operations of kazoo, each a check by itself.

Run as: suite.py HOST:PORT PATH, where PATH does not exist. Prints "ok NAME" or "FAIL NAME REASON" for each check.
"""
import concurrent.futures
import logging
import os
import queue
import socket
import sys
import threading
import time
import traceback

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import (
    BadVersionError, InvalidACLError, NoAuthError, NodeExistsError, NoNodeError, NotEmptyError,
    NoChildrenForEphemeralsError, RolledBackError, RuntimeInconsistency, BadArgumentsError)
from kazoo.recipe.barrier import Barrier, DoubleBarrier
from kazoo.recipe.cache import TreeCache, TreeEvent
from kazoo.recipe.counter import Counter
from kazoo.recipe.election import Election
from kazoo.recipe.lease import MultiNonBlockingLease, NonBlockingLease
from kazoo.recipe.lock import Lock, ReadLock, Semaphore, WriteLock
from kazoo.recipe.partitioner import SetPartitioner
from kazoo.recipe.party import Party, ShallowParty
from kazoo.recipe.queue import LockingQueue, Queue
from kazoo.recipe.watchers import ChildrenWatch, DataWatch
from kazoo.security import make_acl, make_digest_acl, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE, CREATOR_ALL_ACL

hosts, top = sys.argv[1:]
logging.disable(logging.CRITICAL)
checks = []


def check(f):
    checks.append(f)
    return f


def client(hosts=hosts, **kw):
    zk = KazooClient(hosts=hosts, timeout=kw.pop("timeout", 10.0), **kw)
    zk.start(timeout=20)
    return zk


def stop(*clients):
    for zk in clients:
        zk.stop()
        zk.close()


def fresh(*clients):
    """Has clients see what others were told before, perhaps by other members."""
    for zk in clients:
        zk.sync("/")


def until(what, timeout=15):
    end = time.time() + timeout
    while not what():
        assert time.time() < end, "waited too long"
        time.sleep(0.01)


def raises(kind, f, *args, **kw):
    try:
        f(*args, **kw)
    except kind:
        return
    raise AssertionError("no %s" % kind.__name__)


@check
def connect_and_close(zk, root):
    other = client()
    assert other.connected and other.client_id[0] != zk.client_id[0]
    stop(other)
    assert not other.connected


@check
def server_version(zk, root):
    assert zk.server_version() >= (3, 4, 0)


@check
def create_modes(zk, root):
    assert zk.create(root + "/p", b"1", makepath=True) == root + "/p"
    assert zk.create(root + "/e", b"2", ephemeral=True) == root + "/e"
    assert zk.create(root + "/s-", sequence=True) == root + "/s-0000000002"
    assert zk.create(root + "/es-", sequence=True, ephemeral=True) == root + "/es-0000000003"
    path, stat = zk.create(root + "/d", b"data", include_data=True)
    assert path == root + "/d" and stat.data_length == 4 and stat.ephemeralOwner == 0
    assert zk.get(root + "/e")[1].ephemeralOwner == zk.client_id[0]
    raises(NodeExistsError, zk.create, root + "/p")
    raises(NoNodeError, zk.create, root + "/none/child")
    raises(NoChildrenForEphemeralsError, zk.create, root + "/e/child")
    assert sorted(zk.get_children(root)) == ["d", "e", "es-0000000003", "p", "s-0000000002"]


@check
def get_set_delete(zk, root):
    zk.ensure_path(root)
    stat = zk.set(root, b"one")
    assert stat.version == 1 and zk.get(root)[0] == b"one"
    raises(BadVersionError, zk.set, root, b"two", version=0)
    assert zk.set(root, b"two", version=1).version == 2
    zk.create(root + "/a")
    raises(NotEmptyError, zk.delete, root)
    raises(BadVersionError, zk.delete, root + "/a", version=7)
    zk.delete(root, recursive=True)
    assert zk.exists(root) is None
    raises(NoNodeError, zk.get, root)
    raises(NoNodeError, zk.delete, root)


@check
def unicode_and_large(zk, root):
    name = root + "/é中文 x"
    zk.create(name, b"\x00\xff" * 1000, makepath=True)
    assert zk.get(name)[0] == b"\x00\xff" * 1000
    big = b"x" * (1000 * 1000)
    zk.set(name, big)
    assert zk.get(name)[0] == big
    assert zk.get_children(root) == ["é中文 x"]


@check
def children_with_stat(zk, root):
    for i in range(3):
        zk.create(root + "/%d" % i, makepath=True)
    names, stat = zk.get_children(root, include_data=True)
    assert sorted(names) == ["0", "1", "2"] and stat.numChildren == 3 and stat.cversion == 3


@check
def sync_and_async(zk, root):
    zk.ensure_path(root)
    assert zk.sync(root) == root
    asked = [zk.create_async("%s/%03d" % (root, i), b"x") for i in range(200)]
    assert [a.get(timeout=20) for a in asked] == ["%s/%03d" % (root, i) for i in range(200)]
    got = [zk.get_async("%s/%03d" % (root, i)) for i in range(200)]
    assert all(g.get(timeout=20)[0] == b"x" for g in got)


@check
def one_shot_watches(zk, root):
    zk.ensure_path(root)
    events = queue.Queue()
    zk.exists(root + "/a", watch=events.put)
    zk.get_children(root, watch=events.put)
    zk.create(root + "/a", b"1")
    seen = {events.get(timeout=10)[:3:2] for _ in range(2)}
    assert seen == {("CREATED", root + "/a"), ("CHILD", root)}, seen
    zk.get(root + "/a", watch=events.put)
    zk.set(root + "/a", b"2")
    zk.set(root + "/a", b"3")
    assert events.get(timeout=10).type == "CHANGED"
    zk.exists(root + "/a", watch=events.put)
    zk.delete(root + "/a")
    assert events.get(timeout=10).type == "DELETED"
    assert events.empty()


@check
def data_watch(zk, root):
    seen = queue.Queue()
    DataWatch(zk, root, lambda data, stat: seen.put(data))
    assert seen.get(timeout=10) is None
    zk.create(root, b"a")
    assert seen.get(timeout=10) == b"a"
    zk.set(root, b"b")
    assert seen.get(timeout=10) == b"b"
    zk.delete(root)
    assert seen.get(timeout=10) is None


@check
def children_watch(zk, root):
    zk.ensure_path(root)
    seen = queue.Queue()
    ChildrenWatch(zk, root, lambda names: seen.put(sorted(names)))
    assert seen.get(timeout=10) == []
    zk.create(root + "/a")
    assert seen.get(timeout=10) == ["a"]
    zk.delete(root + "/a")
    assert seen.get(timeout=10) == []


@check
def transactions(zk, root):
    zk.ensure_path(root)
    t = zk.transaction()
    t.create(root + "/a", b"1")
    t.create(root + "/s-", sequence=True)
    t.set_data(root, b"new")
    t.check(root, version=1)
    t.delete(root + "/a")
    r = t.commit()
    assert r[0] == root + "/a" and r[1].startswith(root + "/s-0000000001") and r[2].version == 1 and r[3] is True and r[4] is True, r
    t = zk.transaction()
    t.create(root + "/b")
    t.check(root, version=9)
    t.delete(root)
    r = t.commit()
    assert isinstance(r[0], RolledBackError) and isinstance(r[1], BadVersionError) and isinstance(r[2], RuntimeInconsistency), r
    assert zk.exists(root + "/b") is None
    assert zk.transaction().commit() == []


@check
def digest_acl(zk, root):
    zk.create(root, b"open")
    alice, bob = client(auth_data=[("digest", "alice:a")]), client(auth_data=[("digest", "bob:b")])
    alice.create(root + "/a", b"secret", acl=[make_digest_acl("alice", "a", all=True)])
    assert alice.get(root + "/a")[0] == b"secret"
    fresh(bob, zk)
    raises(NoAuthError, bob.get, root + "/a")
    raises(NoAuthError, zk.set, root + "/a", b"x")
    alice.create(root + "/c", acl=CREATOR_ALL_ACL)
    acl, stat = alice.get_acls(root + "/c")
    assert acl[0].id.scheme == "digest" and acl[0].id.id.startswith("alice:") and acl[0].perms == 31
    alice.set_acls(root + "/a", [make_digest_acl("bob", "b", read=True), make_digest_acl("alice", "a", all=True)])
    fresh(bob)
    assert bob.get(root + "/a")[0] == b"secret" and bob.get_acls(root + "/a")[1].aversion == 1
    raises(NoAuthError, bob.set, root + "/a", b"x")
    raises(InvalidACLError, zk.create, root + "/i", acl=CREATOR_ALL_ACL)
    zk.create(root + "/r", acl=READ_ACL_UNSAFE)
    raises(NoAuthError, zk.set, root + "/r", b"x")
    zk.create(root + "/ip", acl=[make_acl("ip", "127.0.0.1", all=True)])
    zk.set(root + "/ip", b"x")
    zk.add_auth("digest", "late:l")
    zk.create(root + "/late", acl=CREATOR_ALL_ACL)
    fresh(bob)
    raises(NoAuthError, bob.get, root + "/late")
    for n in "ac":
        alice.delete(root + "/" + n)
    stop(alice, bob)


@check
def ephemerals_go_with_the_session(zk, root):
    zk.ensure_path(root)
    other = client()
    other.create(root + "/e", ephemeral=True)
    gone = threading.Event()
    fresh(zk)
    zk.exists(root + "/e", watch=lambda e: gone.set())
    stop(other)
    assert gone.wait(10) and zk.exists(root + "/e") is None


@check
def reconnect_keeps_the_session(zk, root):
    zk.ensure_path(root)
    other, states = client(), queue.Queue()
    other.create(root + "/e", ephemeral=True)
    fired = threading.Event()
    DataWatch(other, root, lambda data, stat: fired.set() if data == b"changed" else None)
    before = other.client_id
    other.add_listener(states.put)
    other._connection._socket.shutdown(socket.SHUT_RDWR)
    assert states.get(timeout=10) == KazooState.SUSPENDED and states.get(timeout=10) == KazooState.CONNECTED
    fresh(zk)
    assert other.client_id == before and zk.exists(root + "/e") is not None
    zk.set(root, b"changed")
    assert fired.wait(10), "the watch was lost with the connection"
    stop(other)


@check
def expired_session_is_lost(zk, root):
    zk.ensure_path(root)
    # Both know one member only: with another to turn to, the first client may be back before the thief has ended the session.
    one = hosts.split(",")[0]
    other, states = client(one), queue.Queue()
    other.create(root + "/e", ephemeral=True)
    before = other.client_id
    other.add_listener(states.put)
    thief = KazooClient(hosts=one, client_id=before)
    thief.start(timeout=20)
    stop(thief)
    seen = []
    while KazooState.CONNECTED not in seen:
        seen.append(states.get(timeout=20))
    assert KazooState.LOST in seen, seen
    fresh(zk)
    assert other.client_id[0] != before[0] and zk.exists(root + "/e") is None
    stop(other)


@check
def chroot(zk, root):
    zk.ensure_path(root + "/sub")
    other = KazooClient(hosts=hosts + root + "/sub")
    other.start(timeout=20)
    assert other.create("/x", sequence=True) == "/x0000000000"
    fired = queue.Queue()
    other.get("/x0000000000", watch=fired.put)
    zk.set(root + "/sub/x0000000000", b"1")
    assert fired.get(timeout=10).path == "/x0000000000"
    stop(other)


@check
def bad_arguments(zk, root):
    raises((BadArgumentsError, ValueError), zk.create, root + "/\x01", makepath=True)
    zk.ensure_path(root)
    raises(BadArgumentsError, zk.create, root + "/a\x7f")


@check
def lock(zk, root):
    a, b = Lock(zk, root, "a"), Lock(zk, root, "b")
    assert a.acquire() and not b.acquire(blocking=False) and a.contenders() == ["a"]
    got = threading.Event()
    t = threading.Thread(target=lambda: b.acquire() and got.set())
    t.start()
    until(lambda: len(a.contenders()) == 2)
    assert not got.is_set()
    a.release()
    assert got.wait(10)
    t.join()
    b.release()


@check
def lock_excludes(zk, root):
    inside, most = [0], [0]

    def work():
        other = client()
        for _ in range(3):
            with Lock(other, root):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.002)
                inside[0] -= 1
        stop(other)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for f in [pool.submit(work) for _ in range(4)]:
            f.result(30)
    assert most[0] == 1


@check
def read_write_lock(zk, root):
    r1, r2, w = ReadLock(zk, root, "r1"), ReadLock(zk, root, "r2"), WriteLock(zk, root, "w")
    assert r1.acquire(timeout=5) and r2.acquire(timeout=5)
    assert not w.acquire(blocking=False)
    r1.release()
    r2.release()
    assert w.acquire(timeout=5) and not r1.acquire(blocking=False)
    w.release()


@check
def semaphore(zk, root):
    s = [Semaphore(zk, root, str(i), max_leases=2) for i in range(3)]
    assert s[0].acquire() and s[1].acquire() and not s[2].acquire(blocking=False)
    assert sorted(s[0].lease_holders()) == ["0", "1"]
    s[0].release()
    assert s[2].acquire(timeout=5)
    s[1].release()
    s[2].release()


@check
def election(zk, root):
    order, go = [], threading.Event()
    e1, e2 = Election(zk, root, "one"), Election(zk, root, "two")
    leading = threading.Event()

    def first():
        leading.set()
        order.append(1)
        go.wait(10)
    t1 = threading.Thread(target=e1.run, args=(first,))
    t1.start()
    assert leading.wait(10)
    t2 = threading.Thread(target=e2.run, args=(lambda: order.append(2),))
    t2.start()
    until(lambda: len(e1.contenders()) == 2)
    go.set()
    t1.join(10)
    t2.join(10)
    assert order == [1, 2]


@check
def barrier(zk, root):
    b = Barrier(zk, root)
    b.create()
    assert not b.wait(0.2)
    threading.Timer(0.1, b.remove).start()
    assert b.wait(10)


@check
def double_barrier(zk, root):
    entered, left = [], []

    def work(i):
        other = client()
        b = DoubleBarrier(other, root, 3, str(i))
        b.enter()
        entered.append(i)
        b.leave()
        left.append(i)
        assert b.participating is False
        stop(other)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for t in threads[:2]:
        t.start()
    until(lambda: zk.exists(root) and len(zk.get_children(root)) == 2)
    assert entered == []
    threads[2].start()
    for t in threads:
        t.join(20)
    assert sorted(left) == [0, 1, 2]


@check
def counter(zk, root):
    def work():
        other = client()
        c = Counter(other, root)
        for _ in range(10):
            c += 1
        stop(other)
    threads = [threading.Thread(target=work) for _ in range(3)]
    [t.start() for t in threads]
    [t.join(30) for t in threads]
    c = Counter(zk, root)
    assert c.value == 30
    c -= 5
    assert c.value == 25
    f = Counter(zk, root + "f", default=1.5)
    f += 1.5
    assert f.value == 3.0


@check
def fifo_queue(zk, root):
    q = Queue(zk, root)
    for i in range(5):
        q.put(b"%d" % i)
    q.put(b"first", priority=10)
    assert len(q) == 6
    assert [q.get() for _ in range(7)] == [b"first", b"0", b"1", b"2", b"3", b"4", None]


@check
def locking_queue(zk, root):
    q = LockingQueue(zk, root)
    q.put_all([b"one", b"two"])
    q.put(b"zero", priority=1)
    other = client()
    q2 = LockingQueue(other, root)
    assert q.get(5) == b"zero" and q2.get(5) == b"one"
    assert q.holds_lock() and q.consume() and q2.consume()
    assert q.get(5) == b"two" and q2.get(0.2) is None
    q.release()
    assert q2.get(5) == b"two" and q2.consume()
    stop(other)


@check
def tree_cache(zk, root):
    zk.ensure_path(root + "/a")
    cache, seen = TreeCache(zk, root), queue.Queue()
    cache.listen(seen.put)
    cache.start()
    until(lambda: cache.get_data(root + "/a") is not None)
    zk.create(root + "/a/b", b"deep")
    until(lambda: cache.get_data(root + "/a/b") and cache.get_data(root + "/a/b").data == b"deep")
    zk.set(root + "/a/b", b"new")
    until(lambda: cache.get_data(root + "/a/b").data == b"new")
    assert cache.get_children(root) == frozenset(["a"])
    zk.delete(root + "/a/b")
    until(lambda: cache.get_data(root + "/a/b") is None)
    want = {TreeEvent.NODE_ADDED, TreeEvent.INITIALIZED, TreeEvent.NODE_UPDATED, TreeEvent.NODE_REMOVED}
    while want:
        want.discard(seen.get(timeout=10).event_type)
    cache.close()


@check
def party(zk, root):
    for kind in (Party, ShallowParty):
        at = root + kind.__name__
        other = client()
        p, q = kind(zk, at, "p"), kind(other, at, "q")
        p.join()
        q.join()
        fresh(zk, other)
        assert sorted(p) == ["p", "q"] and len(q) == 2
        p.leave()
        fresh(other)
        assert list(q) == ["q"]
        stop(other)
        until(lambda: len(p) == 0)


@check
def partitioner(zk, root):
    other = client()
    parts = [SetPartitioner(c, root, set=("a", "b", "c"), time_boundary=0.3, identifier=n) for c, n in ((zk, "1"), (other, "2"))]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        def settle(p):
            end = time.time() + 20
            while not p.acquired:
                assert time.time() < end and not p.failed
                if p.release:
                    p.release_set()
                elif p.allocating:
                    p.wait_for_acquire(1)
            return list(p)
        got = list(pool.map(settle, parts))
    assert sorted(got[0] + got[1]) == ["a", "b", "c"] and got[0] and got[1], got
    for p in parts:
        p.finish()
    stop(other)


@check
def leases(zk, root):
    import datetime
    long = datetime.timedelta(hours=1)
    assert NonBlockingLease(zk, root, long, identifier="a")
    assert not NonBlockingLease(zk, root, long, identifier="b")
    assert NonBlockingLease(zk, root, long, identifier="a")
    many = [MultiNonBlockingLease(zk, 2, root + "m", long, identifier=str(i)) for i in range(3)]
    assert [bool(m) for m in many] == [True, True, False]


@check
def retries(zk, root):
    assert zk.retry(zk.create, root, b"x") == root
    raises(NodeExistsError, zk.retry, zk.create, root)


@check
def four_letter_words(zk, root):
    assert b"Zookeeper version" in zk.command(b"srvr").encode() and "imok" in zk.command(b"ruok")


def main():
    zk = client()
    zk.ensure_path(top)
    for f in checks:
        root = top + "/" + f.__name__
        try:
            f(zk, root)
            print("ok", f.__name__, flush=True)
        except Exception as e:  # each check by itself
            at = traceback.extract_tb(e.__traceback__)[-1]
            print("FAIL", f.__name__, "%s %s at line %s" % (type(e).__name__, str(e).replace("\n", " "), at.lineno), flush=True)
    zk.delete(top, recursive=True)
    stop(zk)


main()
os._exit(0)  # some recipes leave threads behind
