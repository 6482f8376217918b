package outbound

import "net/netip"

// class says what is allowed of an address without any list.
type class int

const (
	public    class = iota
	private         // loopback and private networks: allowed unless told otherwise
	forbidden       // never
)

// network is a range of addresses and what it is called in a message.
type network struct {
	prefix netip.Prefix
	name   string
}

// forbiddenNetworks hand out credentials of the machine, or are no single place.
// The single addresses are those of metadata services: AWS, Alibaba, Azure,
// Oracle and Google give them to every machine that they rent out.
var forbiddenNetworks = []network{
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fd00:ec2::254/128"), "cloud metadata"},
	{netip.MustParsePrefix("fd00:ec2::23/128"), "cloud metadata"},
	{netip.MustParsePrefix("fd20:ce::254/128"), "cloud metadata"},
	{netip.MustParsePrefix("100.100.100.200/32"), "cloud metadata"},
	{netip.MustParsePrefix("168.63.129.16/32"), "cloud metadata"},
	{netip.MustParsePrefix("192.0.0.192/32"), "cloud metadata"},
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
}

var privateNetworks = []network{
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "private"},
	{netip.MustParsePrefix("fc00::/7"), "private"},
	{netip.MustParsePrefix("fec0::/10"), "private"},
}

// refusedNames lead to metadata services where the network's own resolver says so.
var refusedNames = map[string]string{
	"metadata":                 "cloud metadata",
	"metadata.google.internal": "cloud metadata",
	"metadata.goog":            "cloud metadata",
	"instance-data":            "cloud metadata",
	"metadata.tencentyun.com":  "cloud metadata",
}

// carriers are networks whose addresses stand for an IPv4 address in them, from
// the given byte on: NAT64, 6to4, and the IPv4-compatible addresses of old.
var carriers = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
	{netip.MustParsePrefix("::/96"), 12},
}

// classify says what an address is, and what to call it.
func classify(ip netip.Addr) (class, string) {
	ip = plain(ip)
	if inner, carried := carriedBy(ip); carried {
		if c, name := classify(inner); c != public {
			return c, name
		}
	}
	for _, n := range forbiddenNetworks {
		if n.prefix.Contains(ip) {
			return forbidden, n.name
		}
	}
	for _, n := range privateNetworks {
		if n.prefix.Contains(ip) {
			return private, n.name
		}
	}
	return public, ""
}

// plain is an address without its zone, and as IPv4 where it is one.
func plain(ip netip.Addr) netip.Addr { return ip.WithZone("").Unmap() }

// carriedBy returns the IPv4 address within an IPv6 one. Those of ::/96 that are
// addresses of their own, :: and ::1, carry none.
func carriedBy(ip netip.Addr) (netip.Addr, bool) {
	if !ip.Is6() || ip == netip.IPv6Unspecified() || ip == netip.IPv6Loopback() {
		return netip.Addr{}, false
	}
	for _, c := range carriers {
		if c.prefix.Contains(ip) {
			bytes := ip.As16()
			return netip.AddrFrom4([4]byte(bytes[c.at : c.at+4])), true
		}
	}
	return netip.Addr{}, false
}
