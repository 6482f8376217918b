package outbound

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-dev/sluice"
)

// rule is one entry of the allow list: a network, or a name.
type rule struct {
	prefix netip.Prefix // valid for addresses and networks
	name   string       // in lower case, without a dot at its end
	below  bool         // all names below name, and not name itself
	port   uint16       // 0 for any
}

type rules []rule

// allowName reports whether the list has a host by its name.
func (r rules) allowName(host string, port uint16) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(r, func(rule rule) bool {
		switch {
		case rule.name == "" || rule.port != 0 && rule.port != port:
			return false
		case rule.below:
			return strings.HasSuffix(host, "."+rule.name)
		default:
			return host == rule.name
		}
	})
}

// allowAddress reports whether the list has an address.
func (r rules) allowAddress(ip netip.Addr, port uint16) bool {
	return slices.ContainsFunc(r, func(rule rule) bool {
		return rule.prefix.IsValid() && rule.prefix.Contains(ip) && (rule.port == 0 || rule.port == port)
	})
}

// haveAddresses reports whether a host that is not in the list by its name may
// still be by its address.
func (r rules) haveAddresses() bool {
	return slices.ContainsFunc(r, func(rule rule) bool { return rule.prefix.IsValid() })
}

// parseRules reads an allow list.
func parseRules(entries []string) (rules, error) {
	var list rules
	for _, entry := range entries {
		r, ok := parseRule(strings.TrimSpace(entry))
		if !ok {
			return nil, sluice.Errorf(sluice.Invalid, "%q is no place that requests can be allowed to reach", entry).
				Ask("give {allow_outbound} a host, *.host, an address or a network, with a port where one is meant: example.com, *.example.com, 10.0.0.0/8, 127.0.0.1:8080")
		}
		list = append(list, r)
	}
	return list, nil
}

func parseRule(entry string) (rule, bool) {
	if ip, err := netip.ParseAddr(entry); err == nil && ip.Zone() == "" {
		return single(ip, 0), true
	}
	if prefix, err := netip.ParsePrefix(entry); err == nil {
		return rule{prefix: unmapped(prefix)}, true
	}
	place, port, ok := cutPort(entry)
	if !ok {
		return rule{}, false
	}
	bare := place
	if inner, is := strings.CutPrefix(place, "["); is && strings.HasSuffix(inner, "]") {
		bare = strings.TrimSuffix(inner, "]")
	}
	if ip, err := netip.ParseAddr(bare); err == nil && ip.Zone() == "" {
		return single(ip, port), true
	}
	if prefix, err := netip.ParsePrefix(bare); err == nil {
		return rule{prefix: unmapped(prefix), port: port}, true
	}
	name, below := strings.CutPrefix(strings.ToLower(strings.TrimSuffix(place, ".")), "*.")
	if !isHost(name) || endsInNumber(name) {
		return rule{}, false
	}
	return rule{name: name, below: below, port: port}, true
}

func single(ip netip.Addr, port uint16) rule {
	ip = ip.Unmap()
	return rule{prefix: netip.PrefixFrom(ip, ip.BitLen()), port: port}
}

// unmapped is a network of IPv4-mapped addresses as one of IPv4.
func unmapped(prefix netip.Prefix) netip.Prefix {
	if ip := prefix.Addr(); ip.Is4In6() && prefix.Bits() >= 96 {
		return netip.PrefixFrom(ip.Unmap(), prefix.Bits()-96).Masked()
	}
	return prefix.Masked()
}

// cutPort cuts :port off, where one is. It is not ok when what follows the last
// colon is no port.
func cutPort(entry string) (place string, port uint16, ok bool) {
	at := strings.LastIndexByte(entry, ':')
	if at < 0 || strings.HasSuffix(entry, "]") {
		return entry, 0, true
	}
	number, err := strconv.ParseUint(entry[at+1:], 10, 16)
	return entry[:at], uint16(number), err == nil && number > 0
}

// isHost reports whether a text is a host name of letters, digits, dashes and
// underscores. Names in other letters are to be given as they are looked up.
func isHost(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}
