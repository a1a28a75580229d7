// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Does nothing. Drivers make the transmit rings that live frames leave by only where an interface has an XDP program. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int sluice_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
