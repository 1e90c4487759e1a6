import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessLock;
import org.apache.curator.framework.recipes.locks.InterProcessMultiLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryOneTime;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;
import org.apache.zookeeper.server.auth.DigestAuthenticationProvider;

/**
 * The recipes of Curator and the operations of ZooKeeper's Java client, each a check by
 * itself. Run as: Suite HOST:PORT PATH, where PATH does not
 * exist. Prints "ok NAME" or "FAIL NAME REASON" for each check.
 */
public class Suite {
    interface Check {
        void run(CuratorFramework c, String root) throws Exception;
    }

    static String hosts;
    static final Map<String, Check> checks = new LinkedHashMap<>();
    static final ExecutorService pool = Executors.newCachedThreadPool(r -> {
        Thread t = new Thread(r);
        t.setDaemon(true);
        return t;
    });

    public static void main(String[] args) throws Exception {
        hosts = args[0];
        register();
        CuratorFramework c = client(hosts);
        for (Map.Entry<String, Check> e : checks.entrySet()) {
            String root = args[1] + "/" + e.getKey();
            try {
                Future<?> f = pool.submit(() -> {
                    e.getValue().run(c, root);
                    return null;
                });
                f.get(30, TimeUnit.SECONDS);
                System.out.println("ok " + e.getKey());
            } catch (Throwable t) {
                Throwable why = t.getCause() != null ? t.getCause() : t;
                String at = "";
                for (StackTraceElement s : why.getStackTrace()) {
                    if (s.getClassName().startsWith("Suite")) {
                        at = " at line " + s.getLineNumber();
                        break;
                    }
                }
                System.out.println("FAIL " + e.getKey() + " " + why + at);
            }
            System.out.flush();
        }
        System.exit(0);
    }

    static CuratorFramework client(String to) throws Exception {
        CuratorFramework c = CuratorFrameworkFactory.newClient(to, 10_000, 10_000, new RetryOneTime(100));
        c.start();
        need(c.blockUntilConnected(20, TimeUnit.SECONDS), "not connected");
        return c;
    }

    static CuratorFramework client(String user, String password) throws Exception {
        CuratorFramework c = CuratorFrameworkFactory.builder().connectString(hosts).sessionTimeoutMs(10_000)
                .retryPolicy(new RetryOneTime(100)).authorization("digest", bytes(user + ":" + password)).build();
        c.start();
        need(c.blockUntilConnected(20, TimeUnit.SECONDS), "not connected");
        return c;
    }

    static byte[] bytes(String s) {
        return s.getBytes(StandardCharsets.UTF_8);
    }

    static String text(byte[] b) {
        return b == null ? null : new String(b, StandardCharsets.UTF_8);
    }

    static void need(boolean ok, String what) {
        if (!ok) {
            throw new AssertionError(what);
        }
    }

    static void same(Object got, Object want) {
        need(String.valueOf(got).equals(String.valueOf(want)), "got " + got + ", want " + want);
    }

    static void until(Callable<Boolean> what) throws Exception {
        for (long end = System.currentTimeMillis() + 15_000; !what.call(); Thread.sleep(10)) {
            need(System.currentTimeMillis() < end, "waited too long");
        }
    }

    static void fails(Class<? extends Exception> kind, Callable<?> what) throws Exception {
        try {
            what.call();
        } catch (Exception e) {
            if (kind.isInstance(e)) {
                return;
            }
            throw e;
        }
        throw new AssertionError("no " + kind.getSimpleName());
    }

    static void register() {
        checks.put("createModes", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root, bytes("root"));
            same(c.create().withMode(CreateMode.PERSISTENT).forPath(root + "/p"), root + "/p");
            same(c.create().withMode(CreateMode.EPHEMERAL).forPath(root + "/e"), root + "/e");
            same(c.create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath(root + "/s-"), root + "/s-0000000002");
            same(c.create().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(root + "/es-"), root + "/es-0000000003");
            same(c.create().withMode(CreateMode.CONTAINER).forPath(root + "/c"), root + "/c");
            Stat stat = new Stat();
            c.create().storingStatIn(stat).forPath(root + "/stat", bytes("12345"));
            same(stat.getDataLength(), 5);
            same(c.checkExists().forPath(root + "/e").getEphemeralOwner(), c.getZookeeperClient().getZooKeeper().getSessionId());
            fails(KeeperException.NodeExistsException.class, () -> c.create().forPath(root + "/p"));
            fails(KeeperException.NoNodeException.class, () -> c.create().forPath(root + "/none/child"));
            fails(KeeperException.NoChildrenForEphemeralsException.class, () -> c.create().forPath(root + "/e/child"));
            c.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(root + "/guarded-");
            same(c.create().orSetData().forPath(root + "/p", bytes("set")), root + "/p");
            same(text(c.getData().forPath(root + "/p")), "set");
        });
        checks.put("ttlModes", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root);
            same(c.create().withTtl(3_600_000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(root + "/t"), root + "/t");
            same(c.create().withTtl(3_600_000).withMode(CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL).forPath(root + "/ts-"), root + "/ts-0000000001");
            same(c.checkExists().forPath(root + "/t").getEphemeralOwner(), 0);
            c.create().forPath(root + "/t/child");
        });
        checks.put("readWriteDelete", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root, bytes("one"));
            same(text(c.getData().forPath(root)), "one");
            same(c.setData().withVersion(0).forPath(root, bytes("two")).getVersion(), 1);
            fails(KeeperException.BadVersionException.class, () -> c.setData().withVersion(0).forPath(root, bytes("x")));
            c.create().forPath(root + "/a");
            c.create().forPath(root + "/b");
            same(new TreeSet<>(c.getChildren().forPath(root)), "[a, b]");
            fails(KeeperException.NotEmptyException.class, () -> c.delete().forPath(root));
            c.delete().deletingChildrenIfNeeded().forPath(root);
            same(c.checkExists().forPath(root), null);
            fails(KeeperException.NoNodeException.class, () -> c.getData().forPath(root));
            c.delete().quietly().forPath(root);
        });
        checks.put("javaClientCalls", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root + "/a/b");
            org.apache.zookeeper.ZooKeeper zk = c.getZookeeperClient().getZooKeeper();
            zk.create(root + "/e", null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
            same(zk.getAllChildrenNumber(root), 3);
            same(zk.getEphemerals(root), "[" + root + "/e]");
            same(zk.whoAmI().size() >= 1, true);
            same(zk.getData(root + "/e", false, new Stat()), null);
            same(zk.getChildren(root, false, new Stat()).size(), 2);
            CountDownLatch synced = new CountDownLatch(1);
            zk.sync(root, (rc, path, ctx) -> {
                if (rc == 0 && path.equals(root)) {
                    synced.countDown();
                }
            }, null);
            need(synced.await(10, TimeUnit.SECONDS), "no sync");
            List<org.apache.zookeeper.OpResult> got = zk.multi(Arrays.asList(
                    org.apache.zookeeper.Op.getData(root + "/a"), org.apache.zookeeper.Op.getChildren(root + "/none"), org.apache.zookeeper.Op.getChildren(root + "/a")));
            same(((org.apache.zookeeper.OpResult.ErrorResult) got.get(1)).getErr(), -101);
            same(((org.apache.zookeeper.OpResult.GetChildrenResult) got.get(2)).getChildren(), "[b]");
            same(zk.getConfig(false, new Stat()) != null, true);
        });
        checks.put("background", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root);
            CountDownLatch done = new CountDownLatch(100);
            for (int i = 0; i < 100; i++) {
                c.create().inBackground((cl, e) -> done.countDown()).forPath(root + "/" + i);
            }
            need(done.await(20, TimeUnit.SECONDS), "background creates");
            same(c.getChildren().forPath(root).size(), 100);
        });
        checks.put("oneShotWatches", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root);
            BlockingQueue<WatchedEvent> events = new LinkedBlockingQueue<>();
            org.apache.curator.framework.api.CuratorWatcher w = events::add;
            c.checkExists().usingWatcher(w).forPath(root + "/a");
            c.create().forPath(root + "/a", bytes("1"));
            event(events, EventType.NodeCreated, root + "/a");
            c.getData().usingWatcher(w).forPath(root + "/a");
            c.setData().forPath(root + "/a", bytes("2"));
            c.setData().forPath(root + "/a", bytes("3"));
            event(events, EventType.NodeDataChanged, root + "/a");
            c.getChildren().usingWatcher(w).forPath(root);
            c.delete().forPath(root + "/a");
            event(events, EventType.NodeChildrenChanged, root);
            same(events.size(), 0);
        });
        checks.put("persistentWatches", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root);
            for (boolean recursive : new boolean[] {false, true}) {
                BlockingQueue<WatchedEvent> events = new LinkedBlockingQueue<>();
                try (PersistentWatcher w = new PersistentWatcher(c, root, recursive)) {
                    CountDownLatch set = new CountDownLatch(1);
                    w.getResetListenable().addListener(set::countDown);
                    w.getListenable().addListener(e -> events.add(e));
                    w.start();
                    need(set.await(10, TimeUnit.SECONDS), "watch not set");
                    String a = root + "/" + recursive;
                    c.setData().forPath(root, bytes("1"));
                    event(events, EventType.NodeDataChanged, root);
                    c.create().forPath(a);
                    event(events, recursive ? EventType.NodeCreated : EventType.NodeChildrenChanged, recursive ? a : root);
                    c.setData().forPath(root, bytes("2"));
                    event(events, EventType.NodeDataChanged, root);
                    c.delete().forPath(a);
                    event(events, recursive ? EventType.NodeDeleted : EventType.NodeChildrenChanged, recursive ? a : root);
                }
            }
        });
        checks.put("removeWatches", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root);
            BlockingQueue<WatchedEvent> events = new LinkedBlockingQueue<>();
            org.apache.curator.framework.api.CuratorWatcher w = events::add;
            c.watchers().add().withMode(AddWatchMode.PERSISTENT).usingWatcher(w).forPath(root);
            c.watchers().remove(w).forPath(root);
            event(events, EventType.PersistentWatchRemoved, root);
            fails(KeeperException.NoWatcherException.class, () -> {
                c.watchers().removeAll().forPath(root + "/none");
                return null;
            });
        });
        checks.put("transactions", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root, bytes("0"));
            Collection<CuratorTransactionResult> r = c.transaction().forOperations(
                    c.transactionOp().create().forPath(root + "/a", bytes("1")),
                    c.transactionOp().create().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(root + "/s-"),
                    c.transactionOp().setData().forPath(root, bytes("2")),
                    c.transactionOp().check().withVersion(1).forPath(root),
                    c.transactionOp().delete().forPath(root + "/a"));
            same(r.size(), 5);
            same(new ArrayList<>(r).get(1).getResultPath(), root + "/s-0000000001");
            fails(KeeperException.BadVersionException.class, () -> c.transaction().forOperations(
                    c.transactionOp().create().forPath(root + "/b"), c.transactionOp().check().withVersion(9).forPath(root)));
            same(c.checkExists().forPath(root + "/b"), null);
            c.transaction().forOperations(c.transactionOp().create().withMode(CreateMode.CONTAINER).forPath(root + "/c"),
                    c.transactionOp().create().withTtl(3_600_000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(root + "/t"));
        });
        checks.put("digestACL", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root);
            CuratorFramework alice = client("alice", "a"), bob = client("bob", "b");
            List<ACL> bobReads = new ArrayList<>(ZooDefs.Ids.CREATOR_ALL_ACL);
            bobReads.add(new ACL(ZooDefs.Perms.READ, new Id("digest", DigestAuthenticationProvider.generateDigest("bob:b"))));
            alice.create().withACL(ZooDefs.Ids.CREATOR_ALL_ACL).forPath(root + "/a", bytes("secret"));
            fails(KeeperException.NoAuthException.class, () -> bob.getData().forPath(root + "/a"));
            alice.setACL().withACL(bobReads).forPath(root + "/a");
            same(text(bob.getData().forPath(root + "/a")), "secret");
            fails(KeeperException.NoAuthException.class, () -> bob.setData().forPath(root + "/a", bytes("x")));
            same(alice.getACL().forPath(root + "/a").size(), 2);
            need(bob.getACL().forPath(root + "/a").get(0).getId().getId().endsWith(":x"), "digest is shown");
            fails(KeeperException.InvalidACLException.class, () -> c.create().withACL(ZooDefs.Ids.CREATOR_ALL_ACL).forPath(root + "/i"));
            alice.close();
            bob.close();
        });
        checks.put("reconnectKeepsTheSession", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root);
            Relay relay = new Relay(hosts);
            CuratorFramework other = client("127.0.0.1:" + relay.port());
            BlockingQueue<ConnectionState> states = new LinkedBlockingQueue<>();
            other.getConnectionStateListenable().addListener((cl, s) -> states.add(s));
            other.create().withMode(CreateMode.EPHEMERAL).forPath(root + "/e");
            BlockingQueue<WatchedEvent> events = new LinkedBlockingQueue<>();
            other.getData().usingWatcher((org.apache.curator.framework.api.CuratorWatcher) events::add).forPath(root);
            BlockingQueue<WatchedEvent> deep = new LinkedBlockingQueue<>();
            other.watchers().add().withMode(AddWatchMode.PERSISTENT_RECURSIVE).usingWatcher((org.apache.curator.framework.api.CuratorWatcher) deep::add).forPath(root);
            long id = other.getZookeeperClient().getZooKeeper().getSessionId();
            relay.cut();
            c.setData().forPath(root, bytes("while away"));
            while (states.poll(20, TimeUnit.SECONDS) != ConnectionState.RECONNECTED) {
                need(true, "");
            }
            same(other.getZookeeperClient().getZooKeeper().getSessionId(), id);
            need(c.checkExists().forPath(root + "/e") != null, "ephemeral is gone");
            until(() -> events.stream().anyMatch(e -> e.getType() == EventType.NodeDataChanged));
            c.create().forPath(root + "/later");
            until(() -> deep.stream().anyMatch(e -> e.getType() == EventType.NodeCreated));
            other.close();
            relay.close();
        });
        checks.put("expiredSessionIsLost", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root);
            CuratorFramework other = client(hosts);
            BlockingQueue<ConnectionState> states = new LinkedBlockingQueue<>();
            other.getConnectionStateListenable().addListener((cl, s) -> states.add(s));
            other.create().withMode(CreateMode.EPHEMERAL).forPath(root + "/e");
            org.apache.zookeeper.ZooKeeper zk = other.getZookeeperClient().getZooKeeper();
            CountDownLatch stolen = new CountDownLatch(1);
            org.apache.zookeeper.ZooKeeper thief = new org.apache.zookeeper.ZooKeeper(hosts, 10_000, e -> stolen.countDown(), zk.getSessionId(), zk.getSessionPasswd());
            need(stolen.await(20, TimeUnit.SECONDS), "not attached");
            thief.close();
            while (states.poll(20, TimeUnit.SECONDS) != ConnectionState.LOST) {
                need(true, "");
            }
            while (states.poll(20, TimeUnit.SECONDS) != ConnectionState.RECONNECTED) {
                need(true, "");
            }
            same(c.checkExists().forPath(root + "/e"), null);
            other.close();
        });
        checks.put("namespace", (c, root) -> {
            CuratorFramework n = c.usingNamespace(root.substring(1));
            n.create().forPath("/x", bytes("1"));
            same(text(c.getData().forPath(root + "/x")), "1");
        });
        checks.put("mutex", (c, root) -> excludes(() -> new InterProcessMutex(c, root)));
        checks.put("semaphoreMutex", (c, root) -> excludes(() -> new InterProcessSemaphoreMutex(c, root)));
        checks.put("multiLock", (c, root) -> excludes(() -> new InterProcessMultiLock(c, Arrays.asList(root + "/a", root + "/b"))));
        checks.put("readWriteLock", (c, root) -> {
            InterProcessReadWriteLock l = new InterProcessReadWriteLock(c, root);
            l.readLock().acquire();
            Future<Boolean> reads = pool.submit(() -> l.readLock().acquire(5, TimeUnit.SECONDS));
            need(reads.get(), "two readers");
            need(!pool.submit(() -> l.writeLock().acquire(200, TimeUnit.MILLISECONDS)).get(), "a writer beside readers");
            l.readLock().release();
        });
        checks.put("semaphoreLeases", (c, root) -> {
            InterProcessSemaphoreV2 s = new InterProcessSemaphoreV2(c, root, 3);
            Collection<Lease> leases = s.acquire(3);
            need(s.acquire(200, TimeUnit.MILLISECONDS) == null, "a fourth lease");
            same(s.getParticipantNodes().size(), 3);
            s.returnAll(leases);
            Lease again = s.acquire(5, TimeUnit.SECONDS);
            need(again != null, "no lease after all were returned");
            s.returnLease(again);
        });
        checks.put("leaderLatch", (c, root) -> {
            LeaderLatch a = new LeaderLatch(c, root, "a"), b = new LeaderLatch(c, root, "b");
            a.start();
            need(a.await(10, TimeUnit.SECONDS), "a does not lead");
            b.start();
            until(() -> b.getParticipants().size() == 2);
            need(!b.hasLeadership(), "two lead");
            same(b.getLeader().getId(), "a");
            a.close();
            need(b.await(10, TimeUnit.SECONDS), "b does not lead");
            b.close();
        });
        checks.put("leaderSelector", (c, root) -> {
            BlockingQueue<String> led = new LinkedBlockingQueue<>();
            List<LeaderSelector> all = new ArrayList<>();
            for (String n : new String[] {"a", "b", "c"}) {
                LeaderSelector s = new LeaderSelector(c, root, new LeaderSelectorListenerAdapter() {
                    public void takeLeadership(CuratorFramework cl) {
                        led.add(n);
                    }
                });
                s.setId(n);
                s.autoRequeue();
                s.start();
                all.add(s);
            }
            TreeSet<String> seen = new TreeSet<>();
            until(() -> {
                led.drainTo(seen);
                return seen.size() == 3;
            });
            for (LeaderSelector s : all) {
                s.close();
            }
        });
        checks.put("barrier", (c, root) -> {
            DistributedBarrier b = new DistributedBarrier(c, root);
            b.setBarrier();
            need(!b.waitOnBarrier(200, TimeUnit.MILLISECONDS), "barrier is open");
            Future<Boolean> waits = pool.submit(() -> b.waitOnBarrier(10, TimeUnit.SECONDS));
            b.removeBarrier();
            need(waits.get(), "barrier stays");
        });
        checks.put("doubleBarrier", (c, root) -> {
            AtomicInteger entered = new AtomicInteger();
            List<Future<Boolean>> all = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                all.add(pool.submit(() -> {
                    DistributedDoubleBarrier b = new DistributedDoubleBarrier(c, root, 3);
                    if (!b.enter(10, TimeUnit.SECONDS)) {
                        return false;
                    }
                    entered.incrementAndGet();
                    return b.leave(10, TimeUnit.SECONDS);
                }));
            }
            for (Future<Boolean> f : all) {
                need(f.get(), "not through");
            }
            same(entered.get(), 3);
        });
        checks.put("sharedCount", (c, root) -> {
            try (SharedCount a = new SharedCount(c, root, 7); SharedCount b = new SharedCount(c, root, 7)) {
                a.start();
                b.start();
                same(b.getCount(), 7);
                a.setCount(8);
                until(() -> b.getCount() == 8);
                need(b.trySetCount(b.getVersionedValue(), 9), "not set");
                until(() -> a.getCount() == 9);
            }
        });
        checks.put("atomicLong", (c, root) -> {
            List<Future<Integer>> all = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                all.add(pool.submit(() -> {
                    DistributedAtomicLong n = new DistributedAtomicLong(c, root, new org.apache.curator.retry.RetryNTimes(1000, 1));
                    int done = 0;
                    for (int k = 0; k < 10; k++) {
                        AtomicValue<Long> v = n.increment();
                        done += v.succeeded() ? 1 : 0;
                    }
                    return done;
                }));
            }
            int sum = 0;
            for (Future<Integer> f : all) {
                sum += f.get();
            }
            same(new DistributedAtomicLong(c, root, new RetryOneTime(1)).get().postValue(), sum);
            same(sum, 40);
        });
        checks.put("simpleQueue", (c, root) -> {
            SimpleDistributedQueue q = new SimpleDistributedQueue(c, root);
            for (int i = 0; i < 5; i++) {
                q.offer(bytes("" + i));
            }
            same(text(q.peek()), "0");
            for (int i = 0; i < 5; i++) {
                same(text(q.take()), "" + i);
            }
            same(q.poll(), null);
            Future<byte[]> waits = pool.submit(() -> q.poll(10, TimeUnit.SECONDS));
            q.offer(bytes("late"));
            same(text(waits.get()), "late");
        });
        checks.put("queue", (c, root) -> {
            Taker taker = new Taker();
            try (DistributedQueue<String> q = QueueBuilder.builder(c, taker, new Strings(), root).lockPath(root + "-lock").buildQueue()) {
                q.start();
                for (int i = 0; i < 5; i++) {
                    q.put("" + i);
                }
                taker.expect("0", "1", "2", "3", "4");
            }
        });
        checks.put("priorityQueue", (c, root) -> {
            try (DistributedPriorityQueue<String> q = QueueBuilder.builder(c, (QueueConsumer<String>) null, new Strings(), root).buildPriorityQueue(0)) {
                q.start();
                q.put("low", 5);
                q.put("high", 1);
                q.flushPuts(10, TimeUnit.SECONDS);
            }
            Taker taker = new Taker();
            try (DistributedPriorityQueue<String> q = QueueBuilder.builder(c, taker, new Strings(), root).buildPriorityQueue(0)) {
                q.start();
                taker.expect("high", "low");
            }
        });
        checks.put("delayQueue", (c, root) -> {
            Taker taker = new Taker();
            try (DistributedDelayQueue<String> q = QueueBuilder.builder(c, taker, new Strings(), root).buildDelayQueue()) {
                q.start();
                q.put("later", System.currentTimeMillis() + 400);
                q.put("now", System.currentTimeMillis());
                taker.expect("now", "later");
            }
        });
        checks.put("pathChildrenCache", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root + "/a", bytes("1"));
            try (PathChildrenCache cache = new PathChildrenCache(c, root, true)) {
                cache.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
                same(cache.getCurrentData().size(), 1);
                c.setData().forPath(root + "/a", bytes("2"));
                c.create().forPath(root + "/b");
                until(() -> cache.getCurrentData().size() == 2 && "2".equals(text(cache.getCurrentData(root + "/a").getData())));
                c.delete().forPath(root + "/a");
                until(() -> cache.getCurrentData().size() == 1);
            }
        });
        checks.put("nodeCache", (c, root) -> {
            try (NodeCache cache = new NodeCache(c, root)) {
                cache.start(true);
                same(cache.getCurrentData(), null);
                c.create().creatingParentsIfNeeded().forPath(root, bytes("1"));
                until(() -> cache.getCurrentData() != null && "1".equals(text(cache.getCurrentData().getData())));
                c.delete().forPath(root);
                until(() -> cache.getCurrentData() == null);
            }
        });
        checks.put("treeCache", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root + "/a/b", bytes("1"));
            try (TreeCache cache = new TreeCache(c, root)) {
                cache.start();
                until(() -> cache.getCurrentData(root + "/a/b") != null);
                c.setData().forPath(root + "/a/b", bytes("2"));
                c.create().forPath(root + "/a/c");
                until(() -> "2".equals(text(cache.getCurrentData(root + "/a/b").getData())) && cache.getCurrentChildren(root + "/a").size() == 2);
                c.delete().deletingChildrenIfNeeded().forPath(root + "/a");
                until(() -> cache.getCurrentData(root + "/a") == null);
            }
        });
        checks.put("curatorCache", (c, root) -> {
            c.create().creatingParentsIfNeeded().forPath(root + "/a/b", bytes("1"));
            BlockingQueue<String> seen = new LinkedBlockingQueue<>();
            CountDownLatch ready = new CountDownLatch(1);
            try (CuratorCache cache = CuratorCache.build(c, root)) {
                cache.listenable().addListener(CuratorCacheListener.builder()
                        .forCreates(n -> seen.add("+" + n.getPath())).forChanges((o, n) -> seen.add("=" + n.getPath()))
                        .forDeletes(n -> seen.add("-" + n.getPath())).forInitialized(ready::countDown).build());
                cache.start();
                need(ready.await(10, TimeUnit.SECONDS), "not initialized");
                same(cache.size(), 3);
                seen.clear();
                c.setData().forPath(root + "/a/b", bytes("2"));
                same(seen.poll(10, TimeUnit.SECONDS), "=" + root + "/a/b");
                c.create().forPath(root + "/a/b/c");
                same(seen.poll(10, TimeUnit.SECONDS), "+" + root + "/a/b/c");
                c.delete().forPath(root + "/a/b/c");
                same(seen.poll(10, TimeUnit.SECONDS), "-" + root + "/a/b/c");
                same(text(cache.get(root + "/a/b").map(ChildData::getData).get()), "2");
            }
        });
        checks.put("persistentNode", (c, root) -> {
            try (PersistentNode n = new PersistentNode(c, CreateMode.EPHEMERAL, false, root, bytes("1"))) {
                n.start();
                need(n.waitForInitialCreate(10, TimeUnit.SECONDS), "not created");
                c.delete().forPath(root);
                until(() -> c.checkExists().forPath(root) != null);
                n.setData(bytes("2"));
                until(() -> "2".equals(text(c.getData().forPath(root))));
            }
            until(() -> c.checkExists().forPath(root) == null);
        });
        checks.put("persistentTtlNode", (c, root) -> {
            try (PersistentTtlNode n = new PersistentTtlNode(c, root, 3_600_000, bytes("1"))) {
                n.start();
                need(n.waitForInitialCreate(10, TimeUnit.SECONDS), "not created");
                same(text(c.getData().forPath(root)), "1");
            }
        });
        checks.put("groupMember", (c, root) -> {
            CuratorFramework other = client(hosts);
            GroupMember a = new GroupMember(c, root, "a", bytes("1")), b = new GroupMember(other, root, "b", bytes("2"));
            a.start();
            b.start();
            until(() -> a.getCurrentMembers().size() == 2 && b.getCurrentMembers().size() == 2);
            b.close();
            until(() -> a.getCurrentMembers().keySet().equals(Collections.singleton("a")));
            a.close();
            other.close();
        });
    }

    static void event(BlockingQueue<WatchedEvent> events, EventType type, String path) throws Exception {
        WatchedEvent e = events.poll(10, TimeUnit.SECONDS);
        need(e != null, "no event, want " + type + " " + path);
        same(e.getType() + " " + e.getPath(), type + " " + path);
    }

    static void excludes(Callable<InterProcessLock> make) throws Exception {
        AtomicInteger inside = new AtomicInteger(), most = new AtomicInteger();
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            InterProcessLock l = make.call();
            all.add(pool.submit(() -> {
                for (int k = 0; k < 3; k++) {
                    need(l.acquire(20, TimeUnit.SECONDS), "not acquired");
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    Thread.sleep(2);
                    inside.decrementAndGet();
                    l.release();
                }
                return null;
            }));
        }
        for (Future<?> f : all) {
            f.get();
        }
        same(most.get(), 1);
    }

    static class Strings implements QueueSerializer<String> {
        public byte[] serialize(String s) {
            return bytes(s);
        }

        public String deserialize(byte[] b) {
            return text(b);
        }
    }

    static class Taker implements QueueConsumer<String> {
        final BlockingQueue<String> taken = new LinkedBlockingQueue<>();

        public void consumeMessage(String s) {
            taken.add(s);
        }

        public void stateChanged(CuratorFramework c, ConnectionState s) {
        }

        void expect(String... want) throws Exception {
            for (String w : want) {
                same(taken.poll(10, TimeUnit.SECONDS), w);
            }
        }
    }

    /** Passes bytes between a client and the server until it is cut, then anew. */
    static class Relay {
        final ServerSocket server = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        final List<Socket> open = Collections.synchronizedList(new ArrayList<>());

        Relay(String to) throws Exception {
            pool.submit(() -> {
                while (true) {
                    Socket in = server.accept(), out = any(to.split(","));
                    open.add(in);
                    if (out == null) {
                        in.close();
                        continue;
                    }
                    open.add(out);
                    pool.submit(() -> copy(in, out));
                    pool.submit(() -> copy(out, in));
                }
            });
        }

        /** A connection to one of the members that run, or null. */
        static Socket any(String[] members) {
            for (String member : members) {
                String[] at = member.split(":");
                try {
                    return new Socket(at[0], Integer.parseInt(at[1]));
                } catch (IOException e) {
                    // the next one may run
                }
            }
            return null;
        }

        static Object copy(Socket from, Socket to) throws Exception {
            try (InputStream in = from.getInputStream(); OutputStream out = to.getOutputStream()) {
                in.transferTo(out);
            }
            return null;
        }

        int port() {
            return server.getLocalPort();
        }

        void cut() throws Exception {
            synchronized (open) {
                for (Socket s : open) {
                    s.close();
                }
                open.clear();
            }
        }

        void close() throws Exception {
            server.close();
            cut();
        }
    }
}
