/* The operations of libzookeeper_mt, each a check by itself.
 *
 * Run as: suite HOST:PORT PATH, where PATH does not exist. Prints "ok NAME" or "FAIL NAME REASON" for each check. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

static const char *hosts;
static char root[256], why[512];

static int fail(int line, const char *what, int got) {
    snprintf(why, sizeof why, "%s is %d (%s) at line %d", what, got, zerror(got), line);
    return 1;
}
#define WANT(expr, want) do { int got_ = (expr); if (got_ != (want)) return fail(__LINE__, #expr, got_); } while (0)

/* at returns a path below the check's root, good until the eighth call after. */
static const char *at(const char *name) {
    static char ring[8][512];
    static int i;
    char *p = ring[i++ % 8];
    snprintf(p, sizeof ring[0], "%s%s", root, name);
    return p;
}

/* A seen is what a watcher was told. */
typedef struct {
    pthread_mutex_t mu;
    pthread_cond_t changed;
    int events, type, connected;
    char path[512];
} seen;

static void init_seen(seen *s) {
    memset(s, 0, sizeof *s);
    pthread_mutex_init(&s->mu, NULL);
    pthread_cond_init(&s->changed, NULL);
}

static void watcher(zhandle_t *zh, int type, int state, const char *path, void *context) {
    seen *s = context;
    (void)zh;
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->mu);
    if (type == ZOO_SESSION_EVENT) {
        s->connected |= state == ZOO_CONNECTED_STATE;
    } else {
        s->events++;
        s->type = type;
        snprintf(s->path, sizeof s->path, "%s", path);
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mu);
}

/* until waits for *what to be at least n, 10 seconds at most, and returns it. */
static int until(seen *s, int *what, int n) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 10;
    pthread_mutex_lock(&s->mu);
    while (*what < n && pthread_cond_timedwait(&s->changed, &s->mu, &end) == 0)
        ;
    n = *what;
    pthread_mutex_unlock(&s->mu);
    return n;
}

static zhandle_t *open_for(seen *s, const clientid_t *id, int timeout) {
    init_seen(s);
    zhandle_t *zh = zookeeper_init(hosts, watcher, timeout, id, s, 0);
    if (zh == NULL || !until(s, &s->connected, 1))
        return NULL;
    return zh;
}

static zhandle_t *open_client(seen *s, const clientid_t *id) { return open_for(s, id, 10000); }

static int check_modes(zhandle_t *zh) {
    char path[512];
    struct Stat stat;
    WANT(zoo_create(zh, at(""), "x", 1, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path), ZOK);
    WANT(zoo_create(zh, at("/e"), "x", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, path, sizeof path), ZOK);
    WANT(zoo_create(zh, at("/s-"), NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, path, sizeof path), ZOK);
    WANT(strcmp(path, at("/s-0000000001")), 0);
    WANT(zoo_create(zh, at("/es-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL | ZOO_SEQUENCE, path, sizeof path), ZOK);
    WANT(strcmp(path, at("/es-0000000002")), 0);
    WANT(zoo_create2(zh, at("/two"), "12345", 5, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path, &stat), ZOK);
    WANT(stat.dataLength, 5);
    WANT(zoo_create(zh, at("/c"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_CONTAINER, path, sizeof path), ZOK);
    WANT(zoo_create_ttl(zh, at("/t"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_WITH_TTL, 3600000, path, sizeof path), ZOK);
    WANT(zoo_create_ttl(zh, at("/ts-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 3600000, path, sizeof path), ZOK);
    WANT(zoo_create(zh, at("/e/child"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path), ZNOCHILDRENFOREPHEMERALS);
    WANT(zoo_create(zh, at("/e"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path), ZNODEEXISTS);
    WANT(zoo_create(zh, at("/no/child"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path), ZNONODE);
    return 0;
}

static int check_read_write(zhandle_t *zh) {
    char data[64];
    int len = sizeof data;
    struct Stat stat;
    struct String_vector names;
    WANT(zoo_create(zh, at(""), "one", 3, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZOK);
    WANT(zoo_get(zh, at(""), 0, data, &len, &stat), ZOK);
    WANT(len == 3 && memcmp(data, "one", 3) == 0, 1);
    WANT(zoo_set2(zh, at(""), "two", 3, 0, &stat), ZOK);
    WANT(stat.version, 1);
    WANT(zoo_set(zh, at(""), "x", 1, 0), ZBADVERSION);
    WANT(zoo_create(zh, at("/null"), NULL, -1, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZOK);
    len = sizeof data;
    WANT(zoo_get(zh, at("/null"), 0, data, &len, &stat), ZOK);
    WANT(len, -1);
    WANT(zoo_get_children2(zh, at(""), 0, &names, &stat), ZOK);
    WANT(names.count == 1 && strcmp(names.data[0], "null") == 0 && stat.numChildren == 1, 1);
    deallocate_String_vector(&names);
    WANT(zoo_delete(zh, at(""), -1), ZNOTEMPTY);
    WANT(zoo_delete(zh, at("/null"), 3), ZBADVERSION);
    WANT(zoo_delete(zh, at("/null"), 0), ZOK);
    WANT(zoo_exists(zh, at("/null"), 0, &stat), ZNONODE);
    return 0;
}

static int check_watches(zhandle_t *zh) {
    seen s;
    char data[8];
    int len = sizeof data;
    struct Stat stat;
    struct String_vector names;
    init_seen(&s);
    WANT(zoo_create(zh, at(""), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZOK);
    WANT(zoo_wexists(zh, at("/a"), watcher, &s, &stat), ZNONODE);
    WANT(zoo_create(zh, at("/a"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZOK);
    WANT(until(&s, &s.events, 1), 1);
    WANT(s.type == ZOO_CREATED_EVENT && strcmp(s.path, at("/a")) == 0, 1);
    WANT(zoo_wget(zh, at("/a"), watcher, &s, data, &len, &stat), ZOK);
    WANT(zoo_set(zh, at("/a"), "1", 1, -1), ZOK);
    WANT(zoo_set(zh, at("/a"), "2", 1, -1), ZOK);
    WANT(until(&s, &s.events, 2), 2);
    WANT(s.type, ZOO_CHANGED_EVENT);
    WANT(zoo_wget_children(zh, at(""), watcher, &s, &names), ZOK);
    deallocate_String_vector(&names);
    WANT(zoo_delete(zh, at("/a"), -1), ZOK);
    WANT(until(&s, &s.events, 3), 3);
    WANT(s.type, ZOO_CHILD_EVENT);
    return 0;
}

static int check_remove_watches(zhandle_t *zh) {
    seen s;
    struct Stat stat;
    init_seen(&s);
    WANT(zoo_create(zh, at(""), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZOK);
    WANT(zoo_wexists(zh, at(""), watcher, &s, &stat), ZOK);
    WANT(zoo_remove_watches(zh, at(""), ZWATCHTYPE_ANY, watcher, &s, 0), ZOK);
    WANT(zoo_remove_watches(zh, at(""), ZWATCHTYPE_ANY, watcher, &s, 0), ZNOWATCHER);
    return 0;
}

static int check_multi(zhandle_t *zh) {
    zoo_op_t ops[4];
    zoo_op_result_t results[4];
    char path[512];
    struct Stat stat;
    zoo_create_op_init(&ops[0], at(""), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path);
    zoo_set_op_init(&ops[1], at(""), "new", 3, 0, &stat);
    zoo_check_op_init(&ops[2], at(""), 1);
    zoo_delete_op_init(&ops[3], at(""), 1);
    WANT(zoo_multi(zh, 3, ops, results), ZOK);
    WANT(stat.version, 1);
    zoo_check_op_init(&ops[0], at(""), 9);
    WANT(zoo_multi(zh, 4, ops, results), ZBADVERSION);
    WANT(results[0].err, ZBADVERSION);
    WANT(results[1].err, ZRUNTIMEINCONSISTENCY);
    WANT(zoo_multi(zh, 1, ops + 3, results), ZOK);
    WANT(zoo_exists(zh, at(""), 0, &stat), ZNONODE);
    return 0;
}

static void voided(int rc, const void *data) {
    seen *s = (seen *)data;
    pthread_mutex_lock(&s->mu);
    s->type = rc;
    s->events++;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mu);
}

static void text_done(int rc, const char *value, const void *data) {
    (void)value;
    voided(rc, data);
}

/* fresh has zh see what other clients were told before, perhaps by other members. */
static int fresh(zhandle_t *zh) {
    seen s;
    init_seen(&s);
    int rc = zoo_async(zh, "/", text_done, &s);
    return rc == ZOK && until(&s, &s.events, 1) ? s.type : rc;
}

static int check_acl(zhandle_t *zh) {
    seen s, done;
    char data[8];
    int len = sizeof data;
    struct Stat stat;
    struct ACL_vector acl;
    zhandle_t *alice = open_client(&s, NULL);
    init_seen(&done);
    WANT(alice != NULL, 1);
    WANT(zoo_add_auth(alice, "digest", "alice:a", 7, voided, &done), ZOK);
    WANT(until(&done, &done.events, 1), 1);
    WANT(done.type, ZOK);
    WANT(zoo_create(alice, at(""), "s", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0), ZOK);
    WANT(fresh(zh), ZOK);
    WANT(zoo_get(zh, at(""), 0, data, &len, &stat), ZNOAUTH);
    WANT(zoo_get_acl(alice, at(""), &acl, &stat), ZOK);
    WANT(acl.count == 1 && strcmp(acl.data[0].id.scheme, "digest") == 0, 1);
    deallocate_ACL_vector(&acl);
    WANT(zoo_set_acl(alice, at(""), 0, &ZOO_READ_ACL_UNSAFE), ZOK);
    WANT(fresh(zh), ZOK);
    WANT(zoo_get(zh, at(""), 0, data, &len, &stat), ZOK);
    WANT(zoo_set(zh, at(""), "x", 1, -1), ZNOAUTH);
    WANT(zoo_create(zh, at("-i"), "", 0, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0), ZINVALIDACL);
    zookeeper_close(alice);
    return 0;
}

static int check_sync(zhandle_t *zh) {
    WANT(fresh(zh), ZOK);
    return 0;
}

static int check_pipeline(zhandle_t *zh) {
    seen s;
    struct String_vector names;
    init_seen(&s);
    WANT(zoo_create(zh, at(""), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZOK);
    for (int i = 0; i < 500; i++)
        WANT(zoo_acreate(zh, at("/n-"), "x", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, text_done, &s), ZOK);
    WANT(until(&s, &s.events, 500), 500);
    WANT(zoo_get_children(zh, at(""), 0, &names), ZOK);
    WANT(names.count, 500);
    deallocate_String_vector(&names);
    return 0;
}

static int check_ephemerals_end(zhandle_t *zh) {
    seen s, gone;
    struct Stat stat;
    zhandle_t *other = open_client(&s, NULL);
    init_seen(&gone);
    WANT(other != NULL, 1);
    WANT(zoo_create(other, at(""), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0), ZOK);
    WANT(fresh(zh), ZOK);
    WANT(zoo_wexists(zh, at(""), watcher, &gone, &stat), ZOK);
    WANT(zookeeper_close(other), ZOK);
    WANT(until(&gone, &gone.events, 1), 1);
    WANT(gone.type, ZOO_DELETED_EVENT);
    return 0;
}

/* The same session from another handle, as a client does that comes back. */
static int check_attach_again(zhandle_t *zh) {
    seen s1, s2;
    struct Stat stat;
    zhandle_t *one = open_for(&s1, NULL, 4000);
    WANT(one != NULL, 1);
    WANT(zoo_create(one, at(""), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0), ZOK);
    clientid_t id = *zoo_client_id(one);
    zhandle_t *two = open_for(&s2, &id, 4000);
    WANT(two != NULL, 1);
    WANT(zoo_client_id(two)->client_id == id.client_id, 1);
    /* The first handle wants its session back all the time, so that either may be
       without a connection at any moment, and either may close it, or neither: then
       it expires. */
    int rc = ZCONNECTIONLOSS;
    for (int i = 0; i < 1000 && rc == ZCONNECTIONLOSS; i++) {
        rc = zoo_exists(two, at(""), 0, &stat);
        if (rc == ZCONNECTIONLOSS)
            usleep(10000);
    }
    WANT(rc, ZOK);
    WANT(stat.ephemeralOwner == id.client_id, 1);
    zookeeper_close(two);
    zookeeper_close(one);
    rc = ZOK;
    for (int i = 0; i < 2000 && rc != ZNONODE; i++) {
        rc = zoo_exists(zh, at(""), 0, &stat);
        usleep(10000);
    }
    WANT(rc, ZNONODE);
    return 0;
}

/* The lock recipe: the lowest number holds it, the next watches the one before. */
static int check_lock(zhandle_t *zh) {
    seen s, turn;
    char mine[512], theirs[512];
    struct Stat stat;
    struct String_vector names;
    zhandle_t *other = open_client(&s, NULL);
    init_seen(&turn);
    WANT(other != NULL, 1);
    WANT(zoo_create(zh, at(""), "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0), ZOK);
    WANT(zoo_create(zh, at("/lock-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 3, mine, sizeof mine), ZOK);
    WANT(zoo_create(other, at("/lock-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, 3, theirs, sizeof theirs), ZOK);
    WANT(strcmp(mine, theirs) < 0, 1);
    WANT(fresh(other), ZOK);
    WANT(zoo_wexists(other, mine, watcher, &turn, &stat), ZOK);
    WANT(zoo_delete(zh, mine, -1), ZOK);
    WANT(until(&turn, &turn.events, 1), 1);
    WANT(zoo_get_children(other, at(""), 0, &names), ZOK);
    WANT(names.count, 1);
    deallocate_String_vector(&names);
    zookeeper_close(other);
    return 0;
}

static int check_reconfig(zhandle_t *zh) {
    char data[1024];
    int len = sizeof data;
    struct Stat stat;
    WANT(zoo_getconfig(zh, 0, data, &len, &stat), ZOK);
    len = sizeof data;
    WANT(zoo_reconfig(zh, NULL, NULL, "server.1=127.0.0.1:1:2", -1, data, &len, &stat), ZRECONFIGDISABLED);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(zhandle_t *);
} checks[] = {
    {"create_modes", check_modes}, {"read_write", check_read_write}, {"watches", check_watches},
    {"remove_watches", check_remove_watches}, {"multi", check_multi}, {"digest_acl", check_acl},
    {"sync", check_sync}, {"pipeline", check_pipeline}, {"ephemerals_end", check_ephemerals_end},
    {"attach_again", check_attach_again}, {"lock", check_lock}, {"reconfig", check_reconfig},
};

int main(int argc, char **argv) {
    seen s;
    if (argc != 3)
        return 64;
    hosts = argv[1];
    zoo_set_debug_level(0);
    zoo_set_log_stream(fopen("/dev/null", "w"));
    zhandle_t *zh = open_client(&s, NULL);
    if (zh == NULL) {
        printf("FAIL connect no session\n");
        return 0;
    }
    zoo_create(zh, argv[2], "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        snprintf(root, sizeof root, "%s/%s", argv[2], checks[i].name);
        if (checks[i].run(zh))
            printf("FAIL %s %s\n", checks[i].name, why);
        else
            printf("ok %s\n", checks[i].name);
        fflush(stdout);
    }
    zookeeper_close(zh);
    return 0;
}
