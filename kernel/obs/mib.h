/* SPDX-License-Identifier: GPL-2.0 */
/* Counters of a network namespace, shown in /proc/net/quic/{snmp,stats}. */
#ifndef KQUIC_OBS_MIB_H
#define KQUIC_OBS_MIB_H

#include <linux/percpu.h>
#include <linux/siphash.h>
#include <net/net_namespace.h>

/* Names that tools read today: /proc/net/quic/snmp. */
#define QUIC_MIB_SNMP(X)			\
	X(QuicConnCurrentEstabs)		\
	X(QuicConnPassiveEstabs)		\
	X(QuicConnActiveEstabs)			\
	X(QuicPktRcvFastpaths)			\
	X(QuicPktDecFastpaths)			\
	X(QuicPktEncFastpaths)			\
	X(QuicPktRcvBacklogs)			\
	X(QuicPktDecBacklogs)			\
	X(QuicPktEncBacklogs)	/* always 0 */	\
	X(QuicPktInvHdrDrop)			\
	X(QuicPktInvNumDrop)			\
	X(QuicPktInvFrmDrop)			\
	X(QuicPktRcvDrop)			\
	X(QuicPktDecDrop)			\
	X(QuicPktEncDrop)			\
	X(QuicFrmRcvBufDrop)			\
	X(QuicFrmRetrans)			\
	X(QuicFrmOutCloses)			\
	X(QuicFrmInCloses)

/* The train's own: /proc/net/quic/stats. */
#define QUIC_MIB_STATS(X)			\
	X(QuicTxTrains)				\
	X(QuicTxPackets)			\
	X(QuicTxBytes)				\
	X(QuicTxDataTrains)	/* that carried STREAM frames */ \
	X(QuicTxDataPackets)			\
	X(QuicTxAckOnlyPackets)			\
	X(QuicTxDropped)	/* no memory, no route */ \
	X(QuicTxProbes)		/* datagrams that probe a path */ \
	X(QuicTxSizeProbes)	/* likewise, the size of its packets */ \
	X(QuicTxRetransBytes)	/* stream and crypto bytes sent again */ \
	X(QuicRxTrains)				\
	X(QuicRxPackets)			\
	X(QuicRxBytes)				\
	X(QuicRxElsewhere)	/* trains that came to another CPU than the owner */ \
	X(QuicRxEarlyPackets)	/* opened with a 0-RTT key */ \
	X(QuicRxDataTrains)			\
	X(QuicRxDataPackets)			\
	X(QuicRxSuperSkbs)	/* that came as GSO or GRO trains */ \
	X(QuicRxGathered)	/* trains made of packets that came singly */ \
	X(QuicRxCopied)		/* packets that were not contiguous */ \
	X(QuicAeadSeal)		/* packets sealed */ \
	X(QuicAeadOpen)		/* packets opened */ \
	X(QuicHpCalls)		/* header protection calls, both ways */ \
	X(QuicCryptoLater)	/* trains that a provider completed later */ \
	X(QuicCryptoBusy)	/* ... that it had no room for: by the CPU at once */ \
	X(QuicDropJobs)		/* packets beyond the bound of such trains */ \
	X(QuicOffloadKeys)	/* given to devices, one per direction */ \
	X(QuicOffloadKeysFailed) /* that they did not take */ \
	X(QuicOffloadTx)	/* packets left to a device to seal */ \
	X(QuicOffloadTxFallback) /* ... that left by another one, sealed */ \
	X(QuicOffloadTxDrop)	/* trains, or parts, that could not be */ \
	X(QuicOffloadRx)	/* packets that a device has opened */ \
	X(QuicOffloadRxBad)	/* ... with a key that was not theirs */ \
	X(QuicLossPackets)	/* declared lost */ \
	X(QuicPtos)				\
	X(QuicDropChecksum)	/* UDP's is wrong */ \
	X(QuicDropShort)	/* too short for any packet */ \
	X(QuicDropNoConn)	/* no connection has that ID */ \
	X(QuicDropNoListener)			\
	X(QuicDropVersion)	/* a version we do not speak */ \
	X(QuicDropInitialSize)	/* Initial in less than 1200 bytes */ \
	X(QuicDropInitialQueue)	/* first contacts beyond the bound */ \
	X(QuicDropListenQueue)	/* accept queue full */ \
	X(QuicContactsHandedOn)	/* to another listener, since theirs closed */ \
	X(QuicDropAlpn)		/* no listener for the client's ALPN */ \
	X(QuicDropBacklog)	/* socket backlog full */ \
	X(QuicDropNoKey)	/* keys not there, or gone */ \
	X(QuicDropParked)	/* beyond the bound of parked datagrams */ \
	X(QuicDropDuplicate)			\
	X(QuicDropState)	/* closing, draining or closed */ \
	X(QuicDropToken)			\
	X(QuicDropCid)		/* wrong ID in a coalesced packet */ \
	X(QuicDropTicket)	/* too long, or no memory */ \
	X(QuicDropPeer)		/* not from the peer's address */ \
	X(QuicRetriesSent)			\
	X(QuicRetriesRcvd)			\
	X(QuicVersionsSent)	/* Version Negotiation packets */ \
	X(QuicVersionsRcvd)			\
	X(QuicRxGreased)	/* with the QUIC bit cleared */ \
	X(QuicResetsSent)	/* stateless resets */ \
	X(QuicResetsRcvd)			\
	X(QuicDropStateless)	/* not answered: too many a second */ \
	X(QuicPathsValidated)	/* challenges that were answered */ \
	X(QuicPathsFailed)	/* ... that were not, in time */ \
	X(QuicPathsEvicted)	/* candidates that gave way to newer ones */ \
	X(QuicMigrations)	/* to another path, validated */ \
	X(QuicMigrationsUndone)	/* back, because validation failed */ \
	X(QuicPreferredRefused)	/* preferred addresses of a wrong scope */ \
	X(QuicAcksRcvd)				\
	X(QuicEcnFailed)	/* paths that carry no marks */ \
	X(QuicEcnCeEvents)	/* windows reduced for CE marks */ \
	X(QuicDgramSent)	/* datagrams put into packets */ \
	X(QuicDgramSndDrop)	/* that fit no packet any more */ \
	X(QuicDgramLost)	/* reported lost, perhaps more than once */ \
	X(QuicDgramRcvd)			\
	X(QuicDgramRcvDrop)	/* beyond the bound, or no memory */ \
	X(QuicKeyUpdates)	/* the peer changed its keys, or followed ours */ \
	X(QuicBlackHoles)	/* fell back to 1200-byte packets */ \
	X(QuicTooBigHeeded)	/* ICMP messages that changed the search */ \
	X(QuicTooBigIgnored)	/* ... that did not */ \
	X(QuicCcMissing)	/* the algorithm chosen was not there any more */ \
	X(QuicCcFallbacks)	/* the guard gave a connection to the built-in */ \
	X(QuicCcMoved)		/* likewise, because the program was removed */ \
	X(QuicCcUpdated)	/* went on with the new version of a program */ \
	X(QuicConnidFaults)	/* of a program that makes connection IDs */ \
	X(QuicConnidFallbacks)	/* too many of them: random IDs again */

enum quic_mib {
#define X(name) name,
	QUIC_MIB_SNMP(X)
	QUIC_MIB_STATS(X)
#undef X
	QUIC_MIB_MAX,
};

struct quic_mib_pcpu {
	unsigned long v[QUIC_MIB_MAX];
};

/* Per-namespace state of the module; main.c. */
struct quic_net {
	struct net *net;
	struct quic_mib_pcpu __percpu *mib;
	struct list_head udp;		/* A; udp_lock */
	struct mutex udp_lock;
	struct list_head socks;		/* A; socks_lock; for /proc */
	spinlock_t socks_lock;
	struct quic_tokens *tokens;	/* conn/token.c */
	struct quic_entry __rcu *connid;	/* R; conn/connid.c; NULL: random */
	unsigned long cid_lens;		/* conn/connid.c; bit n: there were IDs of
					 * n bytes
					 */
	u8 cid_len;			/* conn/connid.c; of the newest ID */
	struct quic_entry __rcu *cc;	/* R; sock/congestion.c; NULL: built-in */
	unsigned int n_reqs;		/* rx/initial.c; first contacts */
	atomic_t half_open;		/* first contacts, and connections of
					 * servers whose handshake goes on
					 */
	struct ctl_table_header *sysctl;
	struct ctl_table *sysctl_table;
	unsigned int retry_threshold;	/* sysctl */
	u32 key_update_packets;		/* sysctl; 0: what the cipher allows */
	u32 forged_packets;		/* sysctl; likewise */
	unsigned int stateless_rate;	/* sysctl */
	atomic64_t stateless_due;	/* tx/stateless.c; ns */
	bool ecn;			/* sysctl */
	siphash_key_t reset_key[2];	/* conn/reset.c */
	bool ack_frequency;		/* sysctl */
	bool pmtud;			/* sysctl */
	unsigned int offload;		/* sysctl; QUIC_OFFLOAD_* */
	unsigned int spread_mbit;	/* sysctl; Mbit/s, 0: never */
};

struct quic_net *quic_net(const struct net *net);

extern bool quic_sysctl_async_crypto;	/* obs/sysctl.c */

#define QUIC_INC(net, name)	this_cpu_inc(quic_net(net)->mib->v[name])
#define QUIC_ADD(net, name, n)	this_cpu_add(quic_net(net)->mib->v[name], n)
#define QUIC_DEC(net, name)	this_cpu_dec(quic_net(net)->mib->v[name])
/* The same where there is a connection, at a fifth of the cost. */
#define QUIC_CONN_INC(c, name)	this_cpu_inc((c)->qn->mib->v[name])
#define QUIC_CONN_ADD(c, name, n)	this_cpu_add((c)->qn->mib->v[name], n)

#endif
