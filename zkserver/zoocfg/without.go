package zoocfg

// What happens instead, for keys that have this in common.
const (
	noEnsemble  = "members agree by Raft, which has nothing like it"
	noTimeout   = "a connection to another member has five seconds, and is tried again"
	noSASL      = "members know each other by certificates: see sslQuorum"
	noLimit     = "a member that lags is sent one snapshot at a time, at 64 MiB a second"
	peerTLS     = "members speak TLS 1.3"
	noNetty     = "there is no Netty here: connections are served by goroutines"
	noThreads   = "there are no thread pools here: goroutines are scheduled on all processors"
	noThrottle  = "connections are bounded by maxCnxns and maxClientCnxns, and not slowed down"
	noQueue     = "each connection may have 1,000 requests under way, and all together 256 MiB; then the server stops reading from it"
	noWatchman  = "the watches are kept in one table whose cleaning costs nothing"
	noCache     = "replies are not cached: to make them is as cheap"
	noKerberos  = "SASL and Kerberos are not served: a client that tries is answered as by a server without them"
	noPassword  = "PEM files are read without a password: protect them by their file mode"
	noClass     = "Java classes cannot be run here"
	noObserver  = "observers are served like the other members"
	noTracker   = "nothing is recorded between members"
	alwaysPurge = "snapshots and log files are removed as soon as they are not needed any more"
)

// off and on are values that ask for what happens anyway.
var (
	off = []string{"", "false", "no", "0", "-1"}
	on  = []string{"true", "yes"}
)

// without are the keys that have no effect here.
var without = []key{
	{name: "globalOutstandingLimit", instead: noQueue},
	{name: "globalOutstandingLimit.", instead: noQueue}, // the guide's own spelling of the property
	{name: "commitLogCount", instead: "the log is kept back to the second newest snapshot, and a member that lags further is sent one"},
	{name: "txnLogSizeLimitInKb", instead: "log files have a fixed size, see preAllocSize", same: off},
	{name: "maxResponseCacheSize", instead: noCache, same: off},
	{name: "maxGetChildrenResponseCacheSize", instead: noCache, same: off},
	{name: "autopurge.snapRetainCount", instead: alwaysPurge},
	{name: "autopurge.purgeInterval", instead: alwaysPurge},
	{name: "syncEnabled", other: []string{"observer.syncEnabled"}, instead: noObserver, same: on},
	{name: "emulate353TTLNodes", instead: "znodes of ZooKeeper 3.5.3 with a time to live do not occur here", same: off},
	{name: "watchManagerName", other: []string{"watchManaggerName"}, instead: noWatchman},
	{name: "watcherCleanThreadsNum", instead: noWatchman},
	{name: "watcherCleanThreshold", instead: noWatchman},
	{name: "watcherCleanIntervalInSeconds", instead: noWatchman},
	{name: "maxInProcessingDeadWatchers", instead: noWatchman},
	{name: "bitHashCacheSize", instead: noWatchman},
	{name: "fastleader.minNotificationInterval", instead: noEnsemble},
	{name: "fastleader.maxNotificationInterval", instead: noEnsemble},
	{name: "connectionMaxTokens", other: []string{"connection_throttle_tokens"}, instead: noThrottle, same: off},
	{name: "connectionTokenFillTime", other: []string{"connection_throttle_fill_time"}, instead: noThrottle},
	{name: "connectionTokenFillCount", other: []string{"connection_throttle_fill_count"}, instead: noThrottle},
	{name: "connectionFreezeTime", other: []string{"connection_throttle_freeze_time"}, instead: noThrottle, same: off},
	{name: "connectionDropIncrease", other: []string{"connection_throttle_drop_increase"}, instead: noThrottle},
	{name: "connectionDropDecrease", other: []string{"connection_throttle_drop_decrease"}, instead: noThrottle},
	{name: "connectionDecreaseRatio", other: []string{"connection_throttle_decrease_ratio"}, instead: noThrottle},
	{name: "connection_throttle_weight_enabled", instead: noThrottle, same: off},
	{name: "connection_throttle_global_session_weight", instead: noThrottle},
	{name: "connection_throttle_local_session_weight", instead: noThrottle},
	{name: "connection_throttle_renew_session_weight", instead: noThrottle},
	{name: "clientPortListenBacklog", instead: "the backlog is the system's, net.core.somaxconn", same: []string{"-1"}},
	{name: "serverCnxnFactory", instead: "there is one way to serve connections, with and without TLS", same: []string{
		"org.apache.zookeeper.server.NIOServerCnxnFactory", "org.apache.zookeeper.server.NettyServerCnxnFactory"}},
	{name: "flushDelay", instead: "writes that come while the disk is busy share the next sync, without a delay", same: off},
	{name: "maxWriteQueuePollTime", instead: "writes that come while the disk is busy share the next sync, without a delay", same: off},
	{name: "maxBatchSize", instead: "the writes that share a sync are bounded in bytes, to 4 MiB"},
	{name: "requestThrottleLimit", other: []string{"request_throttle_max_requests"}, instead: noQueue, same: off},
	{name: "requestThrottleStallTime", other: []string{"request_throttle_stall_time"}, instead: noQueue},
	{name: "requestThrottleDropStale", other: []string{"request_throttle_drop_stale"}, instead: noQueue},
	{name: "requestStaleLatencyCheck", other: []string{"request_stale_latency_check"}, instead: noQueue, same: off},
	{name: "requestStaleConnectionCheck", other: []string{"request_stale_connection_check"}, instead: noQueue},
	{name: "request_throttler.shutdownTimeout", instead: "the server stops at once: what is not acknowledged may be lost"},
	{name: "throttledOpWaitTime", other: []string{"throttled_op_wait_time"}, instead: noQueue, same: off},
	{name: "largeRequestMaxBytes", instead: noQueue},
	{name: "largeRequestThreshold", instead: noQueue, same: off},
	{name: "advancedFlowControlEnabled", other: []string{"netty.advancedFlowControl.enabled"}, instead: noNetty, same: off},
	{name: "outstandingHandshake.limit", other: []string{"netty.server.outstandingHandshake.limit"}, instead: "TLS handshakes are bounded by maxCnxns and by five seconds each", same: off},
	{name: "enableEagerACLCheck", instead: "ACLs are checked where a write takes effect", same: off},
	{name: "digest.enabled", instead: "log and snapshots have checksums, and damage refuses to start"},
	{name: "snapshot.trust.empty", instead: "a log without its snapshot refuses to start", same: off},
	{name: "snapshot.compression.method", instead: "snapshots are not compressed", same: []string{""}},
	{name: "audit.enable", instead: "there is no audit log", same: off},
	{name: "audit.impl.class", instead: noClass},
	{name: "learner.closeSocketAsync", other: []string{"leader.closeSocketAsync"}, instead: noEnsemble, same: off},
	{name: "follower.nodelay", other: []string{"leader.nodelay"}, instead: noEnsemble, same: on},
	{name: "learner.asyncSending", other: []string{"leader.asyncSending"}, instead: noEnsemble, same: off},
	{name: "forward_learner_requests_to_commit_processor_disabled", instead: noEnsemble, same: off},
	{name: "serializeLastProcessedZxid.enabled", instead: "snapshots always know their zxid", same: on},

	{name: "maxTimeToWaitForEpoch", other: []string{"leader.maxTimeToWaitForEpoch"}, instead: noEnsemble},
	{name: "connectToLearnerMasterLimit", instead: noEnsemble},
	{name: "leaderServes", instead: "the leader serves clients, too", same: on},
	{name: "cnxTimeout", instead: noTimeout},
	{name: "quorumCnxnTimeoutMs", instead: noTimeout},
	{name: "skipReconfigACLCheck", other: []string{"skipACLCheckForReconfig"}, instead: "ACLs are always checked", same: off},
	{name: "tcpKeepAlive", instead: "it is always on", same: []string{"true", "false"}},
	{name: "clientTcpKeepAlive", instead: "it is always on", same: on},
	{name: "electionPortBindRetry", instead: "an address of its own that does not resolve yet is tried again for ever, and one in use is an error"},
	{name: "observer.reconnectDelayMs", instead: noObserver},
	{name: "observer.election.DelayMs", instead: noObserver},
	{name: "observerMasterPort", instead: noObserver},
	{name: "localSessionsEnabled", instead: "all sessions are global ones", same: off},
	{name: "localSessionsUpgradingEnabled", instead: "all sessions are global ones", same: off},
	{name: "lastProcessedZxidConsistencyCheck", instead: noEnsemble},
	{name: "leader.maxConcurrentSnapSyncs", other: []string{"maxConcurrentSnapSyncs"}, instead: noLimit},
	{name: "leader.maxConcurrentDiffSyncs", other: []string{"maxConcurrentDiffSyncs"}, instead: noLimit},
	{name: "leader.snapPingIntervalInSeconds", instead: noEnsemble},
	{name: "leader.ackLoggingFrequency", instead: noEnsemble},
	{name: "messageTracker.BufferSize", instead: noTracker},
	{name: "messageTracker.Enabled", instead: noTracker, same: off},
	{name: "multiAddress.enabled", instead: "of several addresses the first one counts", same: off},
	{name: "multiAddress.reachabilityCheckTimeoutMs", instead: "of several addresses the first one counts"},
	{name: "multiAddress.reachabilityCheckEnabled", instead: "of several addresses the first one counts"},

	{name: "authProvider", instead: "a provider takes a number: authProvider.1=…"},
	{name: "superUser", instead: noKerberos},
	{name: "ssl.authProvider", instead: "client certificates become x509 identities", same: []string{"x509"}},
	{name: "ensembleAuthName", instead: "a client that names an ensemble is not answered by scheme ensemble"},
	{name: "sessionRequireClientSASLAuth", refused: true, same: off, instead: "there is no SASL, so no client could connect: remove the line if all may, or require client certificates by ssl.clientAuth=need"},
	{name: "enforce.auth.enabled", refused: true, same: off, instead: "clients need not authenticate here: remove the line if that is what you want, or require client certificates by ssl.clientAuth=need"},
	{name: "enforce.auth.schemes", instead: "clients need not authenticate"},
	{name: "allowSaslFailedClients", instead: noKerberos},
	{name: "jaasLoginRenew", instead: noKerberos},
	{name: "requireClientAuthScheme", instead: noKerberos},
	{name: "sasl.serverconfig", instead: noKerberos},
	{name: "kerberos.removeHostFromPrincipal", instead: noKerberos, same: off},
	{name: "kerberos.removeRealmFromPrincipal", instead: noKerberos, same: off},
	{name: "kerberos.canonicalizeHostNames", instead: noKerberos, same: off},
	{name: "DigestAuthenticationProvider.digestAlg", other: []string{"DigestAuthenticationProvider.enabled"}, instead: "digests are SHA-1, as ACLs of other servers have them", same: []string{"SHA1", "SHA-1", "true"}},
	{name: "ssl.keyStore.password", instead: noPassword, same: []string{""}},
	{name: "ssl.keyStore.passwordPath", instead: noPassword, same: []string{""}},
	{name: "ssl.trustStore.password", instead: noPassword, same: []string{""}},
	{name: "ssl.trustStore.passwordPath", instead: noPassword, same: []string{""}},
	{name: "ssl.context.supplier.class", refused: true, same: []string{""}, instead: noClass + ": give PEM files by ssl.keyStore.location and ssl.trustStore.location"},
	{name: "ssl.hostnameVerification", instead: "a server verifies no names", same: []string{"true", "false"}},
	{name: "ssl.hostnameVerification.clientHostnameVerification", other: []string{"ssl.clientHostnameVerification"}, instead: "the names in clients' certificates are not compared with their addresses", same: off},
	{name: "ssl.crl", refused: true, same: off, instead: "revocation lists are not looked at: remove the line, and take a revoked client's CA out of ssl.trustStore.location"},
	{name: "ssl.ocsp", refused: true, same: off, instead: "OCSP is not asked: remove the line, and take a revoked client's CA out of ssl.trustStore.location"},
	{name: "ssl.handshakeDetectionTimeoutMillis", instead: "a connection has five seconds for its handshake"},
	{name: "ssl.x509.debug", instead: "see --log-level debug"},
	{name: "sslQuorumReloadCertFiles", instead: "files are read again when they change", same: on},
	{name: "client.certReload", instead: "files are read again when they change", same: on},
	{name: "fips-mode", instead: "it is for Go's own setting, GODEBUG=fips140=on", same: off},
	{name: "quorum.auth.enableSasl", refused: true, same: off, instead: "there is no SASL: " + noSASL + " or remove the line"},
	{name: "quorum.auth.learnerRequireSasl", refused: true, same: off, instead: "there is no SASL: " + noSASL + " or remove the line"},
	{name: "quorum.auth.serverRequireSasl", refused: true, same: off, instead: "there is no SASL: " + noSASL + " or remove the line"},
	{name: "quorum.auth.kerberos.servicePrincipal", instead: noSASL},
	{name: "quorum.auth.learner.saslLoginContext", other: []string{"quorum.auth.learner.loginContext"}, instead: noSASL},
	{name: "quorum.auth.server.saslLoginContext", other: []string{"quorum.auth.server.loginContext"}, instead: noSASL},
	{name: "quorum.cnxn.threads.size", instead: noSASL},

	{name: "forceSync", instead: "every write is synced before it is acknowledged", same: on},
	{name: "jute.maxbuffer.extrasize", instead: "the log takes any request that jute.maxbuffer allows"},
	{name: "skipACL", instead: "ACLs are always checked", same: off},
	{name: "db.autocreate", instead: "a server without data starts with an empty tree", same: on},

	{name: "nio.numSelectorThreads", instead: noThreads},
	{name: "nio.numWorkerThreads", instead: noThreads},
	{name: "nio.directBufferBytes", instead: noThreads},
	{name: "nio.shutdownTimeout", instead: noThreads},
	{name: "nio.sessionlessCnxnTimeout", instead: "a connection has five seconds to begin a session"},
	{name: "commitProcessor.numWorkerThreads", instead: noThreads},
	{name: "commitProcessor.maxReadBatchSize", instead: noThreads},
	{name: "commitProcessor.maxCommitBatchSize", instead: noThreads},
	{name: "commitProcessor.shutdownTimeout", instead: noThreads},
	{name: "maxRequestPathStats", other: []string{"PathStats.sampleRate", "pathStats.enabled"}, instead: "requests are not counted by path"},
	{name: "intBufferStartingSizeBytes", instead: "buffers grow as needed"},
	{name: "closeSessionTxn.enabled", instead: "the end of a session is one write", same: on},
	{name: "jvm.pause.monitor", other: []string{"jvm.pause.info-threshold.ms", "jvm.pause.warn-threshold.ms", "jvm.pause.sleep.time.ms"}, instead: "there is no JVM", same: off},

	{name: "admin.portUnification", instead: "the AdminServer speaks HTTP alone", same: off},
	{name: "admin.forceHttps", refused: true, same: off, instead: "the AdminServer speaks HTTP alone: remove the line and put a TLS proxy before it, or admin.enableServer=false"},
	{name: "admin.needClientAuth", refused: true, same: off, instead: "the AdminServer speaks HTTP alone: remove the line and put a TLS proxy before it, or admin.enableServer=false"},
	{name: "metricsProvider.httpsPort", instead: "metrics are served over HTTP, see metricsProvider.httpPort"},
	{name: "metricsProvider.numWorkerThreads", instead: noThreads},
	{name: "metricsProvider.maxQueueSize", instead: noThreads},
	{name: "metricsProvider.workerShutdownTimeoutMs", instead: noThreads},
}

// The ssl.quorum keys are the same as those without quorum.
func init() {
	for name, k := range map[string]key{
		"keyStore.password":               {instead: noPassword, same: []string{""}},
		"keyStore.passwordPath":           {instead: noPassword, same: []string{""}},
		"trustStore.password":             {instead: noPassword, same: []string{""}},
		"trustStore.passwordPath":         {instead: noPassword, same: []string{""}},
		"protocol":                        {instead: peerTLS, same: []string{"TLSv1.3"}},
		"enabledProtocols":                {instead: peerTLS, same: []string{"TLSv1.3", "TLSv1.2,TLSv1.3", "TLSv1.3,TLSv1.2"}},
		"ciphersuites":                    {instead: peerTLS + ", all of whose cipher suites are allowed"},
		"context.supplier.class":          {instead: noClass + ": give PEM files by ssl.quorum.keyStore.location and ssl.quorum.trustStore.location", refused: true, same: []string{""}},
		"clientHostnameVerification":      {instead: "names are compared on both ends, see ssl.quorum.hostnameVerification", same: on},
		"crl":                             {instead: "revocation lists are not looked at: remove the line, and take a revoked member's CA out of ssl.quorum.trustStore.location", refused: true, same: off},
		"ocsp":                            {instead: "OCSP is not asked: remove the line, and take a revoked member's CA out of ssl.quorum.trustStore.location", refused: true, same: off},
		"clientAuth":                      {instead: "each member needs a certificate", same: []string{"need"}},
		"handshakeDetectionTimeoutMillis": {instead: "a connection has five seconds for its handshake"},
	} {
		k.name = "ssl.quorum." + name
		keys[k.name] = &k
	}
}
