import java.util.*;
import java.util.concurrent.CountDownLatch;
import org.apache.zookeeper.*;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.admin.ZooKeeperAdmin;
import org.apache.zookeeper.data.*;

/**
 * Uses every request of Apache ZooKeeper's Java client once, and prints what the client made of
 * the replies. See README.md.
 */
public class Record {
    static final List<ACL> OPEN = ZooDefs.Ids.OPEN_ACL_UNSAFE;

    public static void main(String[] args) throws Exception {
        Watcher watch = event -> { };
        CountDownLatch connected = new CountDownLatch(1), again = new CountDownLatch(2);
        ZooKeeperAdmin zk = new ZooKeeperAdmin(args[0], 6000, event -> {
            if (event.getState() == Watcher.Event.KeeperState.SyncConnected
                    && event.getType() == Watcher.Event.EventType.None) {
                connected.countDown();
                again.countDown();
            }
        });
        connected.await();

        // Writes.
        Stat stat = new Stat();
        zk.create("/app", "one".getBytes(), OPEN, CreateMode.PERSISTENT);
        zk.create("/app/seq-", new byte[0], OPEN, CreateMode.PERSISTENT_SEQUENTIAL);
        told(zk.exists("/app", false));
        zk.create("/app/eph", null, OPEN, CreateMode.EPHEMERAL, stat);
        told(stat);
        zk.create("/app/box", null, OPEN, CreateMode.CONTAINER, stat);
        told(stat);
        zk.create("/app/ttl", "t".getBytes(), OPEN, CreateMode.PERSISTENT_WITH_TTL, stat, 60000);
        told(stat);
        zk.create("/app/ttl-", "t".getBytes(), OPEN, CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, stat, 60000);
        told(stat);
        told(zk.setData("/app", "two".getBytes(), 0));
        told(zk.setData("/app", "three".getBytes(), -1));
        zk.addAuthInfo("digest", "ann:secret".getBytes());
        told(zk.setACL("/app", Arrays.asList(
                new ACL(ZooDefs.Perms.ALL, ZooDefs.Ids.AUTH_IDS),
                new ACL(ZooDefs.Perms.READ | ZooDefs.Perms.CREATE | ZooDefs.Perms.WRITE | ZooDefs.Perms.DELETE,
                        ZooDefs.Ids.ANYONE_ID_UNSAFE)), 0));
        zk.create("/gone", null, OPEN, CreateMode.PERSISTENT);
        zk.delete("/gone", 0);

        // Reads.
        zk.getData("/app", false, stat);
        told(stat);
        zk.getData("/app/eph", false, stat);
        told(stat);
        zk.getChildren("/app", false, stat);
        told(stat);
        zk.getACL("/app", stat);
        told(stat);
        CountDownLatch synced = new CountDownLatch(3);
        zk.getChildren("/app", false, (rc, path, ctx, names) -> synced.countDown(), null);
        zk.sync("/app", (rc, path, ctx) -> synced.countDown(), null);
        zk.exists("/none", false, (rc, path, ctx, st) -> synced.countDown(), null);
        synced.await();
        zk.getEphemerals();
        zk.getEphemerals("/app");
        zk.getAllChildrenNumber("/");
        zk.whoAmI();

        // Refusals.
        fails(() -> zk.create("/app", null, OPEN, CreateMode.PERSISTENT));
        fails(() -> zk.create("/none/child", null, OPEN, CreateMode.PERSISTENT));
        fails(() -> zk.create("/app/eph/child", null, OPEN, CreateMode.PERSISTENT));
        fails(() -> zk.setData("/app", null, 7));
        fails(() -> zk.delete("/app", -1));
        fails(() -> zk.create("/acl", null, new ArrayList<>(), CreateMode.PERSISTENT));
        fails(() -> zk.getData("/none", false, null));

        // Multis.
        told(zk.multi(Arrays.asList(
                Op.check("/app", 2),
                Op.create("/app/m", "m".getBytes(), OPEN, CreateMode.PERSISTENT),
                Op.create("/app/m/s-", null, OPEN, CreateMode.EPHEMERAL_SEQUENTIAL),
                Op.create("/app/m/box", null, OPEN, CreateMode.CONTAINER),
                Op.create("/app/m/ttl", null, OPEN, CreateMode.PERSISTENT_WITH_TTL, 60000),
                Op.setData("/app/m", "mm".getBytes(), 0),
                Op.delete("/app/ttl", -1))));
        fails(() -> zk.multi(Arrays.asList(
                Op.create("/app/n", null, OPEN, CreateMode.PERSISTENT),
                Op.check("/none", 0),
                Op.delete("/app/m", -1))));
        told(zk.multi(Arrays.asList(
                Op.getData("/app"), Op.getChildren("/none"), Op.getChildren("/app/m"))));
        zk.multi(new ArrayList<>());

        // Watches and their events.
        zk.getData("/app/m", watch, null);
        zk.exists("/later", watch);
        zk.getChildren("/app/m", watch);
        zk.setData("/app/m", null, -1);
        zk.create("/later", null, OPEN, CreateMode.PERSISTENT);
        zk.create("/app/m/x", null, OPEN, CreateMode.PERSISTENT);
        zk.exists("/later", watch);
        zk.delete("/later", -1);
        zk.addWatch("/app", watch, AddWatchMode.PERSISTENT);
        zk.addWatch("/app/m", watch, AddWatchMode.PERSISTENT_RECURSIVE);
        zk.setData("/app/m/x", "x".getBytes(), -1);
        fails(() -> zk.removeAllWatches("/nothing", WatcherType.Any, false));
        zk.getData("/app/box", watch, null);
        zk.getChildren("/app/box", watch);
        zk.removeWatches("/app/box", watch, WatcherType.Data, false);
        zk.removeAllWatches("/app/box", WatcherType.Children, false);
        fails(() -> zk.reconfigure("server.2=h:1:2;3", (String) null, null, -1, null));

        // A second connection: setWatches2 with every kind. The recorder cuts at this path.
        zk.getData("/app/box", watch, null);
        zk.exists("/later", watch);
        zk.getChildren("/app/box", watch);
        fails(() -> zk.exists("/cut", false));
        again.await();
        zk.setData("/app/box", "box".getBytes(), -1);

        // A third: plain setWatches.
        zk.removeAllWatches("/app", WatcherType.Any, false);
        zk.removeAllWatches("/app/m", WatcherType.Any, false);
        zk.getData("/app/box", watch, null);
        fails(() -> zk.exists("/cut", false));
        zk.setData("/app/box", "box2".getBytes(), -1);
        Thread.sleep(2500); // pings
        zk.close();

        // A refused handshake: the session is closed.
        CountDownLatch expired = new CountDownLatch(1);
        ZooKeeper late = new ZooKeeper(args[0], 6000, event -> {
            if (event.getState() == Watcher.Event.KeeperState.Expired) {
                expired.countDown();
            }
        }, zk.getSessionId(), zk.getSessionPasswd());
        expired.await();
        late.close();
    }

    interface Call { void run() throws Exception; }

    static void fails(Call call) throws Exception {
        try {
            call.run();
        } catch (KeeperException e) {
            return;
        }
    }

    static void told(List<OpResult> results) {
        for (OpResult r : results) {
            if (r instanceof OpResult.CreateResult && ((OpResult.CreateResult) r).getStat() != null) {
                told(((OpResult.CreateResult) r).getStat());
            } else if (r instanceof OpResult.SetDataResult) {
                told(((OpResult.SetDataResult) r).getStat());
            } else if (r instanceof OpResult.GetDataResult) {
                told(((OpResult.GetDataResult) r).getStat());
            }
        }
    }

    static void told(Stat s) {
        System.out.println("stat czxid=" + s.getCzxid() + " mzxid=" + s.getMzxid()
                + " ctime=" + s.getCtime() + " mtime=" + s.getMtime()
                + " version=" + s.getVersion() + " cversion=" + s.getCversion() + " aversion=" + s.getAversion()
                + " owner=" + s.getEphemeralOwner() + " length=" + s.getDataLength()
                + " children=" + s.getNumChildren() + " pzxid=" + s.getPzxid());
    }
}
