// SPDX-License-Identifier: GPL-2.0
/* What programs may do to packets on their way out and in; ways.py loads them. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

SEC("tc_clone") int clone(struct __sk_buff *skb)
{
	bpf_clone_redirect(skb, VETH_INDEX, 0);
	return TC_ACT_OK;
}

SEC("tc_cut") int cut(struct __sk_buff *skb)
{
	bpf_skb_change_tail(skb, skb->len - 8, 0);
	return TC_ACT_OK;
}

SEC("tc_redirect") int redirect(struct __sk_buff *skb)
{
	return bpf_redirect(VETH_INDEX, 0);
}

SEC("xdp_back") int back(struct xdp_md *xdp)
{
	return XDP_TX;
}

SEC("xdp_redirect") int onward(struct xdp_md *xdp)
{
	return bpf_redirect(VETH_INDEX, 0);
}

SEC("lwt_pass") int pass(struct __sk_buff *skb)
{
	return BPF_OK;
}

char _license[] SEC("license") = "GPL";
