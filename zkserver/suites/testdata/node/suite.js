// The operations of node-zookeeper-client and recipes on them, each a check by itself.
//
// Run as: suite.js HOST:PORT PATH, where PATH does not exist. Prints "ok NAME" or "FAIL NAME REASON" for each check.
'use strict';
const zookeeper = require('node-zookeeper-client');
const assert = require('assert');
const net = require('net');
const {CreateMode, ACL, Id, Permission, Exception, Event} = zookeeper;

const [hosts, top] = process.argv.slice(2);

function connect(to) {
  return new Promise((done) => {
    const c = zookeeper.createClient(to || hosts, {sessionTimeout: 10000, spinDelay: 100, retries: 2});
    c.once('connected', () => done(c));
    c.connect();
  });
}

// call makes a promise of a method with a callback.
function call(c, method, ...args) {
  return new Promise((done, failed) => {
    c[method](...args, (err, ...results) => (err ? failed(err) : done(results.length > 1 ? results : results[0])));
  });
}

async function fails(code, promise) {
  try {
    await promise;
  } catch (e) {
    assert.strictEqual(e.getCode ? e.getCode() : e.message, code);
    return;
  }
  assert.fail('no error ' + code);
}

// watched returns a watcher and a promise of its event.
function watched() {
  let got;
  const event = new Promise((done) => { got = done; });
  return [got, event];
}

const checks = {
  async createModes(c, root) {
    await call(c, 'mkdirp', root);
    assert.strictEqual(await call(c, 'create', root + '/p', Buffer.from('1'), CreateMode.PERSISTENT), root + '/p');
    await call(c, 'create', root + '/e', CreateMode.EPHEMERAL);
    assert.strictEqual(await call(c, 'create', root + '/s-', CreateMode.PERSISTENT_SEQUENTIAL), root + '/s-0000000002');
    assert.strictEqual(await call(c, 'create', root + '/es-', CreateMode.EPHEMERAL_SEQUENTIAL), root + '/es-0000000003');
    const [names, stat] = await call(c, 'getChildren', root);
    assert.deepStrictEqual(names.sort(), ['e', 'es-0000000003', 'p', 's-0000000002']);
    assert.strictEqual(stat.numChildren, 4);
    await fails(Exception.NODE_EXISTS, call(c, 'create', root + '/p'));
    await fails(Exception.NO_NODE, call(c, 'create', root + '/none/child'));
    await fails(Exception.NO_CHILDREN_FOR_EPHEMERALS, call(c, 'create', root + '/e/child'));
  },
  async readWriteDelete(c, root) {
    await call(c, 'mkdirp', root);
    await call(c, 'setData', root, Buffer.from('one'));
    const [data, stat] = await call(c, 'getData', root);
    assert.strictEqual(data.toString(), 'one');
    assert.strictEqual(stat.version, 1);
    await fails(Exception.BAD_VERSION, call(c, 'setData', root, Buffer.from('x'), 7));
    await call(c, 'create', root + '/a');
    await fails(Exception.NOT_EMPTY, call(c, 'remove', root));
    await call(c, 'removeRecursive', root);
    assert.strictEqual(await call(c, 'exists', root), null);
    await fails(Exception.NO_NODE, call(c, 'getData', root));
  },
  async watches(c, root) {
    await call(c, 'mkdirp', root);
    let [got, event] = watched();
    await call(c, 'exists', root + '/a', got);
    await call(c, 'create', root + '/a');
    assert.strictEqual((await event).getType(), Event.NODE_CREATED);
    [got, event] = watched();
    await call(c, 'getData', root + '/a', got);
    await call(c, 'setData', root + '/a', Buffer.from('1'));
    assert.strictEqual((await event).getType(), Event.NODE_DATA_CHANGED);
    [got, event] = watched();
    await call(c, 'getChildren', root, got);
    await call(c, 'remove', root + '/a');
    const e = await event;
    assert.strictEqual(e.getType() + e.getPath(), Event.NODE_CHILDREN_CHANGED + root);
  },
  async transaction(c, root) {
    await call(c, 'mkdirp', root);
    const commit = (t) => new Promise((done, failed) => t.commit((err, r) => (err ? failed(err) : done(r))));
    await commit(c.transaction().create(root + '/a', Buffer.from('1')).check(root + '/a', 0).setData(root + '/a', Buffer.from('2'), 0).remove(root + '/a', 1));
    await fails(Exception.BAD_VERSION, commit(c.transaction().create(root + '/b').check(root + '/b', 5)));
    assert.strictEqual(await call(c, 'exists', root + '/b'), null);
  },
  async digestACL(c, root) {
    const alice = await connect();
    alice.addAuthInfo('digest', Buffer.from('alice:a'));
    await call(alice, 'mkdirp', root);
    await call(alice, 'create', root + '/a', Buffer.from('s'), ACL.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
    await fails(Exception.NO_AUTH, call(c, 'getData', root + '/a'));
    const [acls] = await call(alice, 'getACL', root + '/a');
    assert.strictEqual(acls[0].id.scheme, 'digest');
    await call(alice, 'setACL', root + '/a', [new ACL(Permission.READ, new Id('world', 'anyone'))], 0);
    assert.strictEqual((await call(c, 'getData', root + '/a'))[0].toString(), 's');
    await fails(Exception.NO_AUTH, call(c, 'setData', root + '/a', Buffer.from('x')));
    await fails(Exception.INVALID_ACL, call(c, 'create', root + '/i', null, ACL.CREATOR_ALL_ACL, CreateMode.PERSISTENT));
    alice.close();
  },
  async reconnectKeepsTheSession(c, root) {
    await call(c, 'mkdirp', root);
    const open = new Set(), members = hosts.split(',');
    const relay = net.createServer((s) => {
      members.push(members.shift()); // one that does not run is another's turn next time
      const [host, port] = members[0].split(':');
      const up = net.connect(port, host);
      for (const [from, to] of [[s, up], [up, s]]) {
        open.add(from);
        from.pipe(to);
        from.on('error', () => {});
        from.on('close', () => to.destroy());
      }
    });
    await new Promise((done) => relay.listen(0, '127.0.0.1', done));
    const other = await connect('127.0.0.1:' + relay.address().port);
    await call(other, 'create', root + '/e', CreateMode.EPHEMERAL);
    const id = other.getSessionId().toString('hex');
    const back = new Promise((done) => other.once('connected', done));
    for (const s of open) s.destroy();
    await back;
    assert.strictEqual(other.getSessionId().toString('hex'), id);
    assert.ok(await call(c, 'exists', root + '/e'));
    const gone = watched();
    await call(c, 'exists', root + '/e', gone[0]);
    other.close();
    assert.strictEqual((await gone[1]).getType(), Event.NODE_DELETED);
    relay.close();
  },
  async lockAndElection(c, root) {
    await call(c, 'mkdirp', root);
    const others = await Promise.all([connect(), connect(), connect()]);
    let inside = 0, most = 0;
    await Promise.all(others.map(async (o) => {
      const mine = await call(o, 'create', root + '/lock-', CreateMode.EPHEMERAL_SEQUENTIAL);
      for (;;) {
        const names = (await call(o, 'getChildren', root))[0].sort();
        const i = names.indexOf(mine.slice(root.length + 1));
        if (i === 0) break;
        const [got, event] = watched();
        if (await call(o, 'exists', root + '/' + names[i - 1], got)) await event;
      }
      most = Math.max(most, ++inside);
      await new Promise((done) => setTimeout(done, 5));
      inside--;
      await call(o, 'remove', mine);
      o.close();
    }));
    assert.strictEqual(most, 1);
  },
  async counterAndQueue(c, root) {
    await call(c, 'mkdirp', root);
    await call(c, 'setData', root, Buffer.from('0'));
    await Promise.all([0, 1, 2, 3].map(async () => {
      for (let done = 0; done < 5;) {
        const [data, stat] = await call(c, 'getData', root);
        try {
          await call(c, 'setData', root, Buffer.from(String(Number(data) + 1)), stat.version);
          done++;
        } catch (e) {
          assert.strictEqual(e.getCode(), Exception.BAD_VERSION);
        }
      }
    }));
    assert.strictEqual((await call(c, 'getData', root))[0].toString(), '20');
    const items = await Promise.all([...Array(50).keys()].map((i) => call(c, 'create', root + '/q-', Buffer.from(String(i)), CreateMode.PERSISTENT_SEQUENTIAL)));
    const names = (await call(c, 'getChildren', root))[0].sort();
    assert.deepStrictEqual(names.map((n) => root + '/' + n), items);
    for (const [i, n] of names.entries()) {
      assert.strictEqual((await call(c, 'getData', root + '/' + n))[0].toString(), String(i));
    }
  },
};

async function main() {
  const c = await connect();
  for (const [name, check] of Object.entries(checks)) {
    let timer;
    const late = new Promise((_, failed) => { timer = setTimeout(() => failed(new Error('waited too long')), 20000); });
    try {
      await Promise.race([check(c, top + '/' + name), late]);
      console.log('ok', name);
    } catch (e) {
      console.log('FAIL', name, String(e).replace(/\n/g, ' '));
    }
    clearTimeout(timer);
  }
  c.close();
  process.exit(0);
}

main();
