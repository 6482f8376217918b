package outbound

import (
	"net/netip"
	"testing"
)

func TestAddressesAreClassified(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		address string
		want    class
		name    string
	}{
		{"93.184.215.14", public, ""},
		{"2606:2800:21f:cb07:6820:80da:af6b:8b2c", public, ""},
		{"169.253.255.255", public, ""},
		{"169.255.0.0", public, ""},
		{"100.63.255.255", public, ""},
		{"172.32.0.1", public, ""},
		{"::ffff:93.184.215.14", public, ""},
		{"64:ff9b::5db8:d70e", public, ""},
		{"127.0.0.1", private, "loopback"},
		{"127.255.255.254", private, "loopback"},
		{"::1", private, "loopback"},
		{"::ffff:127.0.0.1", private, "loopback"},
		{"::127.0.0.1", private, "loopback"},
		{"10.255.0.1", private, "private"},
		{"172.16.0.1", private, "private"},
		{"172.31.255.255", private, "private"},
		{"192.168.1.1", private, "private"},
		{"100.64.0.1", private, "private"},
		{"fd12:3456::1", private, "private"},
		{"fec0::1", private, "private"},
		{"64:ff9b::a00:1", private, "private"},
		{"2002:a00:1::", private, "private"},
		{"169.254.169.254", forbidden, "link-local"},
		{"169.254.0.1", forbidden, "link-local"},
		{"::ffff:169.254.169.254", forbidden, "link-local"},
		{"::169.254.169.254", forbidden, "link-local"},
		{"64:ff9b::a9fe:a9fe", forbidden, "link-local"},
		{"64:ff9b:1::a9fe:a9fe", forbidden, "link-local"},
		{"2002:a9fe:a9fe::1", forbidden, "link-local"},
		{"fe80::1", forbidden, "link-local"},
		{"fe80::1%eth0", forbidden, "link-local"},
		{"febf::1", forbidden, "link-local"},
		{"fd00:ec2::254", forbidden, "cloud metadata"},
		{"fd20:ce::254", forbidden, "cloud metadata"},
		{"100.100.100.200", forbidden, "cloud metadata"},
		{"168.63.129.16", forbidden, "cloud metadata"},
		{"192.0.0.192", forbidden, "cloud metadata"},
		{"0.0.0.0", forbidden, "unspecified"},
		{"0.1.2.3", forbidden, "unspecified"},
		{"::", forbidden, "unspecified"},
		{"::ffff:0.0.0.0", forbidden, "unspecified"},
		{"224.0.0.1", forbidden, "multicast"},
		{"239.255.255.250", forbidden, "multicast"},
		{"ff02::1", forbidden, "multicast"},
		{"240.0.0.1", forbidden, "reserved"},
		{"255.255.255.255", forbidden, "reserved"},
	} {
		got, name := classify(netip.MustParseAddr(tt.address))
		if got != tt.want || name != tt.name {
			t.Errorf("classify(%s) = %d %q, want %d %q", tt.address, got, name, tt.want, tt.name)
		}
	}
}

func TestHostsThatEndInANumberAreAddresses(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"2852039166": true, "0xa9fea9fe": true, "0XA9FEA9FE": true, "0251.0376.0251.0376": true,
		"169.254.43518": true, "0": true, "127.1": true, "127.0.0.1.": true, "1.2.3.0x": true,
		"example.com": false, "example.com.": false, "1.example": false, "x0": false, "0xg": false, "": false, ".": false,
	} {
		if got := endsInNumber(host); got != want {
			t.Errorf("endsInNumber(%q) = %v, want %v", host, got, want)
		}
	}
}
