/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM quic

#if !defined(KQUIC_BPF_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KQUIC_BPF_TRACE_H

#include <linux/tracepoint.h>
#include "../recovery/cc.h"

/* A connection went from one congestion control algorithm to another. */
TRACE_EVENT(quic_cc_exit,
	TP_PROTO(const struct quic_cc_exit *exit, const char *next),
	TP_ARGS(exit, next),
	TP_STRUCT__entry(
		__field(u64, number)
		__field(u64, cwnd)
		__field(u64, pacing_rate)
		__field(u32, kind)
		__field(u32, code)
		__array(char, name, QUIC_CC_NAME_MAX)
		__array(char, next, QUIC_CC_NAME_MAX)
	),
	TP_fast_assign(
		__entry->number = exit->number;
		__entry->cwnd = exit->cwnd;
		__entry->pacing_rate = exit->pacing_rate;
		__entry->kind = exit->kind;
		__entry->code = exit->code;
		memcpy(__entry->name, exit->name, QUIC_CC_NAME_MAX);
		memcpy(__entry->next, next, QUIC_CC_NAME_MAX);
	),
	TP_printk("number=%llu from=%s to=%s kind=%s code=%u cwnd=%llu pacing_rate=%llu",
		  __entry->number, __entry->name, __entry->next,
		  __print_symbolic(__entry->kind,
				   { QUIC_CC_EXIT_UNREGISTERED, "unregistered" },
				   { QUIC_CC_EXIT_UPDATED, "updated" },
				   { QUIC_CC_EXIT_STARVED, "starved" },
				   { QUIC_CC_EXIT_GAVE_UP, "gave-up" }),
		  __entry->code, __entry->cwnd, __entry->pacing_rate)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH bpf
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
