package outbound

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"github.com/sluice-dev/sluice"
)

// dialer connects to what the rules allow. All judgement is here: whatever leads
// to a connection, be it a name, a redirect or an odd way to write a number, ends
// in an address that is dialled.
type dialer struct {
	rules         rules
	refusePrivate bool
	resolver      *net.Resolver
}

// DialContext connects to host:port.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	named := d.rules.allowName(host, port)
	if _, parse := netip.ParseAddr(host); parse == nil {
		err = d.checkAddress(host, address, named)
	} else {
		err = d.checkName(host, named)
	}
	if err != nil {
		return nil, err
	}
	dial := net.Dialer{
		Timeout:  dialTime,
		Resolver: d.resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			return d.checkAddress(host, address, named)
		},
	}
	return dial.DialContext(ctx, network, address)
}

// checkName judges a name before it is looked up. named says that the allow list
// has it.
func (d *dialer) checkName(host string, named bool) error {
	if why, refused := refusedNames[strings.ToLower(strings.TrimSuffix(host, "."))]; refused {
		return always(host, why)
	}
	if endsInNumber(host) {
		return sluice.Errorf(sluice.Denied, "requests to %s (a number that stands for an address) are refused", host).
			Fix("write the address as four decimal numbers, as in 192.0.2.1")
	}
	if len(d.rules) > 0 && !named && !d.rules.haveAddresses() {
		return notAllowed(host)
	}
	return nil
}

// checkAddress judges an address that is about to be dialled for a host.
func (d *dialer) checkAddress(host, address string, named bool) error {
	text, port, err := splitAddress(address)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return sluice.Errorf(sluice.Denied, "requests to %s are refused: it is no address", text)
	}
	class, why := classify(ip)
	shown := text
	if host != text {
		shown = host + ", which is " + text
	}
	listed := d.rules.allowAddress(plain(ip), port)
	switch {
	case class == forbidden:
		return always(shown, why)
	case class == private && d.refusePrivate && !listed:
		return sluice.Errorf(sluice.Denied, "requests to %s (%s) are refused here", shown, why).
			Ask("whoever runs the server can allow it with {allow_outbound=%s}", text)
	case len(d.rules) > 0 && !named && !listed:
		return notAllowed(shown)
	}
	return nil
}

// always refuses what no setting allows.
func always(shown, why string) error {
	return sluice.Errorf(sluice.Denied, "requests to %s (%s) are refused", shown, why).
		Ask("use another address: {allow_outbound} cannot allow this one, which could give away the machine's own credentials")
}

func notAllowed(shown string) error {
	name, _, _ := strings.Cut(shown, ",")
	return sluice.Errorf(sluice.Denied, "requests to %s are refused: it is not in the list of what may be reached", shown).
		Ask("whoever runs the server can allow it with {allow_outbound=%s}", name)
}

func splitAddress(address string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, sluice.Errorf(sluice.Invalid, "%q is not a host and a port", address).Because(err)
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, sluice.Errorf(sluice.Invalid, "%q is not a port", text).Because(err)
	}
	return host, uint16(number), nil
}

// endsInNumber reports whether the last label of a host is a number, decimal or
// hexadecimal. No name ends so, while some resolvers take it for an address:
// 2852039166, 0xa9fea9fe and 0251.0376.0251.0376 are all 169.254.169.254.
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if rest, is := strings.CutPrefix(last, "0x"); is {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
