// SPDX-License-Identifier: GPL-2.0
/*
 * quicctl offload: packet protection by network devices.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quicctl.h"

static const struct column devices[] = {
	{ "device", "DEVICE", PLAIN },
	{ "tx_ciphers", "SEALS", PLAIN },
	{ "rx_ciphers", "OPENS", PLAIN },
	{ "tx_keys", "TX KEYS", PLAIN },
	{ "rx_keys", "RX KEYS", PLAIN },
	{ "keys_refused", "REFUSED", PLAIN },
	{ "tx_packets", "SEALED", PLAIN },
	{ "tx_dropped", "DROPPED", PLAIN },
	{ "rx_packets", "OPENED", PLAIN },
	{ "rx_failed", "FAILED", PLAIN },
	{}
};

/* What the connections of the namespace say of it. */
static const struct column counters[] = {
	{ "allowed", "allowed", PLAIN },
	{ "QuicOffloadKeys", "keys given", PLAIN },
	{ "QuicOffloadKeysFailed", "keys refused", PLAIN },
	{ "QuicOffloadTx", "packets to seal", PLAIN },
	{ "QuicOffloadTxFallback", "sealed by the CPU", PLAIN },
	{ "QuicOffloadTxDrop", "not sealed", PLAIN },
	{ "QuicOffloadRx", "packets opened", PLAIN },
	{ "QuicOffloadRxBad", "wrongly opened", PLAIN },
	{}
};

/* Lines of a name and a number. */
static void add_counters(json_object *to)
{
	FILE *file = fopen("/proc/thread-self/net/quic/stats", "re");
	unsigned long long n;
	char name[64];

	if (!file)
		return;
	while (fscanf(file, "%63s %llu", name, &n) == 2)
		for (const struct column *c = counters; c->key; c++)
			if (!strcmp(c->key, name))
				add_number(to, name, n);
	fclose(file);
}

static int status(struct ctl *ctl, int argc, char **argv)
{
	static const char *const directions[] = {
		"nothing", "receiving", "sending", "both"
	};
	json_object *all, *rows;
	char value[16];

	(void)argc;
	(void)argv;
	if (!proc_load_module())
		return fail(ctl, "no QUIC in this kernel: %m");
	rows = proc_table("offload");
	if (!rows || !sysctl_get("offload", value, sizeof(value)))
		return fail(ctl, "this quic.ko knows no offload");
	all = json_object_new_object();
	add_text(all, "allowed", directions[atoi(value) & 3]);
	add_counters(all);
	if (ctl->json) {
		json_object_object_add(all, "devices", rows);
		return out_object(ctl, all, counters);
	}
	out_rows(ctl, rows, devices);
	return out_object(ctl, all, counters);
}

static const struct verb verbs[] = {
	{
		.name = "status",
		.doc = "Devices that seal and open packets, their keys, and what they did",
		.run = status,
	},
	{}
};

const struct verb offload_verb = {
	.name = "offload",
	.verbs = verbs,
};
