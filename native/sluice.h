/*
 * Umbrella header: everything that Sluice calls or lays out natively, and nothing else.
 * jextract reads it together with the include list `includes.txt`; see `jextract` beside it.
 */
#define _GNU_SOURCE

#include <errno.h>

/*
 * With the GNU extensions glibc declares socket addresses as transparent unions of pointers, which jextract takes for
 * structs passed by value. Without them they are the plain pointers that they are in the ABI.
 */
#undef __USE_GNU
#include <sys/socket.h>
#define __USE_GNU 1

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>
#include <xdp/xsk.h>
