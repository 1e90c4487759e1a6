"""Clients of kazoo that note what they do as package history reads it.

Run as: clients.py HOST:PORT,... NAME SEED READS, which are "linearizable" or need a "sync". Each line on standard input is the number of the group of registers to work
on; its end is the end of the program. Each line on standard output is an operation.
"""
import json
import logging
import random
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, KazooException, NodeExistsError, NoNodeError
from kazoo.retry import KazooRetry

hosts, name, seed, reads = sys.argv[1:]
logging.disable(logging.CRITICAL)
TIMEOUT = 4.0
out = threading.Lock()
group = 0
over = threading.Event()


def note(op):
    with out:
        sys.stdout.write(json.dumps(op) + "\n")


class Client:
    def __init__(self, n):
        self.name = "%s-%d" % (name, n)
        self.rng = random.Random("%s %d" % (seed, n))
        self.conn = 0
        self.written = 0
        self.events = {}
        retry = KazooRetry(max_tries=-1, delay=0.05, backoff=1, max_delay=0.5)
        self.zk = KazooClient(hosts=hosts, timeout=TIMEOUT, connection_retry=retry, randomize_hosts=True)
        self.zk.add_listener(self.state)
        self.zk.start(timeout=120)

    def state(self, state):
        if state == "CONNECTED":
            self.conn += 1
        if state == "LOST":
            self.conn += 1

    def session(self):
        return self.zk.client_id[0] if self.zk.client_id else 0

    def value(self):
        self.written += 1
        return "%s.%d" % (self.name, self.written)

    def register(self):
        return "/registers/%d" % (3 * group + self.rng.randrange(3))

    def do(self, kind, path, call, **fields):
        op = dict(client=self.name, kind=kind, path=path, session=0, conn=0, expect=0, version=0)
        op.update(fields)
        session, conn = self.session(), self.conn
        op["begin"] = time.monotonic_ns()
        try:
            call(op)
            op["code"] = "ok"
        except NoNodeError:
            op["code"] = "nonode"
        except NodeExistsError:
            op["code"] = "exists"
        except BadVersionError:
            op["code"] = "badversion"
        except KazooException:
            pass
        except Exception:  # its queues raise their own
            pass
        if "code" in op:
            op["end"] = time.monotonic_ns()
        if self.session() == session:
            op["session"] = session
        if self.conn == conn:
            op["conn"] = conn
        return op

    def write(self):
        path, n = self.register(), self.rng.randrange(10)
        value = self.value()

        def seen(op, stat):
            op["version"], op["zxid"] = stat.version, stat.mzxid

        if n < 2:
            note(self.do("create", path, lambda op: self.zk.create(path, value.encode()), value=value))
        elif n == 2:
            note(self.do("delete", path, lambda op: self.zk.delete(path), expect=-1))
        elif n == 3:
            def number(op):
                op["number"] = int(self.zk.create("/sequences/n-", b"", sequence=True)[-10:])
            note(self.do("sequential", "/sequences", number))
        else:
            note(self.do("set", path, lambda op: seen(op, self.zk.set(path, value.encode())), expect=-1, value=value))

    def read(self, kind, path):
        def get(op):
            if kind == "read" and reads == "sync":
                self.zk.sync(path)
            data, stat = self.zk.get(path)
            op["value"], op["version"], op["zxid"] = data.decode(), stat.version, stat.mzxid
        return self.do(kind, path, get)

    def own(self):
        path = "/ephemerals/%s.%d" % (self.name, self.written)
        self.written += 1
        note(self.do("ephemeral", path, lambda op: self.zk.create(path, b"", ephemeral=True)))
        for _ in range(self.rng.randrange(5, 30)):
            if over.is_set():
                break
            note(self.read("read", path))
            time.sleep(self.rng.random() * 0.1)
        note(self.do("delete", path, lambda op: self.zk.delete(path), expect=-1))

    def watch(self):
        path, came = self.register(), threading.Event()

        def exists(op):
            stat = self.zk.exists(path, watch=lambda event: came.set())
            if stat is None:
                raise NoNodeError()
            op["zxid"] = stat.mzxid
        armed = self.do("armed", path, exists)
        if "code" not in armed:
            return
        note(armed)
        for _ in range(20):
            peek = self.read("peek", path)
            changed = peek.get("code") != armed["code"] or peek.get("zxid", 0) != armed.get("zxid", 0)
            if "code" in peek and changed:
                came.wait(5)  # another thread brings it
            if came.is_set():
                note(dict(client=self.name, kind="event", path=path, session=0, begin=peek["begin"], expect=0, version=0))
            if "code" in peek:
                note(peek)
            if came.is_set() or over.is_set() or changed:
                return
            time.sleep(self.rng.random() * 0.02)

    def run(self, work):
        while not over.is_set():
            work()
            time.sleep(self.rng.random() * 0.03)
        self.zk.stop()
        self.zk.close()


clients = [Client(n) for n in range(4)]
works = [clients[0].write, clients[1].write, clients[2].own, clients[3].watch]
threads = [threading.Thread(target=c.run, args=(w,)) for c, w in zip(clients, works)]
for t in threads:
    t.start()
for line in sys.stdin:
    group = int(line)
over.set()
for t in threads:
    t.join()
sys.stdout.flush()
