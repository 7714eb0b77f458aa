package vpcflow

import (
	"net/netip"
	"strings"

	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// classNetwork is OCSF's Network Activity.
const classNetwork = 4001

// Mapping is the table from flow logs to OCSF. Source: AWS's own mapping in ocsf/examples (OCSF 1.1.0), carried to 1.8.0; "own" rows
// have no official counterpart.
var Mapping = (&ocsf.Mapping{
	Name:     "vpcflow",
	Title:    "VPC Flow Logs",
	Class:    class,
	Profiles: []string{"security_control"},
	Rows: []ocsf.Row{
		{Field: ocsf.Time, From: "start", Convert: ocsf.Occurred, Copied: true, Note: "epoch milliseconds; end where there is no start"},
		{Field: ocsf.StartTime, From: "start", Convert: millis, Note: "epoch milliseconds"},
		{Field: ocsf.EndTime, From: "end", Convert: millis, Note: "epoch milliseconds"},
		{Field: ocsf.MetadataProductVersion, From: "version", Note: "highest version among the format's fields"},
		{Field: ocsf.MetadataProductName, Const: "Amazon VPC"},
		{Field: ocsf.MetadataProductVendor, Const: "AWS"},
		{Field: ocsf.MetadataProductFeature, Const: "Flowlogs"},
		{Field: ocsf.SeverityID, Const: "1", Note: "informational"},
		{Field: ocsf.StatusID, From: "log-status", Convert: status, Copied: true, Note: "own; OK 1 Success, NODATA and SKIPDATA 99 Other"},
		{Field: ocsf.StatusCode, From: "log-status"},
		{Field: ocsf.CloudProvider, Const: "AWS"},
		{Field: ocsf.CloudAccountUID, From: "account-id"},
		{Field: ocsf.CloudRegion, From: "region"},
		{Field: ocsf.CloudZone, From: "az-id"},
		{Field: ocsf.ActionID, From: "action", Convert: action, Note: "ACCEPT 1 Allowed, REJECT 2 Denied"},
		{Field: ocsf.Action, From: "action"},
		{Field: ocsf.DispositionID, From: "action", Convert: action, Copied: true, Note: "ACCEPT 1 Allowed, REJECT 2 Blocked"},
		{Field: ocsf.SrcIP, From: "srcaddr", Convert: sourceIP, Note: "pkt-srcaddr where that is another: the address before translation"},
		{Field: ocsf.SrcIntermediateIPs, From: "srcaddr", Convert: sourceBetween, Copied: true, Note: "srcaddr where pkt-srcaddr is another"},
		{Field: ocsf.SrcPort, From: "srcport", Convert: ocsf.OnlyPort},
		{Field: ocsf.SrcServiceName, From: "pkt-src-aws-service"},
		{Field: ocsf.SrcInterface, From: "interface-id", Convert: ifSource, Note: "of the end that is the interface's, see dst_endpoint.interface_uid"},
		{Field: ocsf.SrcInstance, From: "instance-id", Convert: ifSource, Note: "likewise"},
		{Field: ocsf.SrcVPC, From: "vpc-id", Convert: ifSource, Note: "likewise"},
		{Field: ocsf.SrcSubnet, From: "subnet-id", Convert: ifSource, Note: "likewise"},
		{Field: ocsf.DstIP, From: "dstaddr", Convert: destinationIP, Note: "pkt-dstaddr where that is another"},
		{Field: ocsf.DstIntermediateIPs, From: "dstaddr", Convert: destinationBetween, Copied: true, Note: "dstaddr where pkt-dstaddr is another"},
		{Field: ocsf.DstPort, From: "dstport", Convert: ocsf.OnlyPort},
		{Field: ocsf.DstServiceName, From: "pkt-dst-aws-service"},
		{Field: ocsf.DstInterface, From: "interface-id", Convert: ifDestination, Note: "the interface is the destination of an ingress flow and the source of an egress flow; own: where flow-direction is not recorded, the end whose address alone is private; neither end where that does not tell"},
		{Field: ocsf.DstInstance, From: "instance-id", Convert: ifDestination, Note: "likewise"},
		{Field: ocsf.DstVPC, From: "vpc-id", Convert: ifDestination, Note: "likewise"},
		{Field: ocsf.DstSubnet, From: "subnet-id", Convert: ifDestination, Note: "likewise"},
		{Field: ocsf.ProtocolNumber, From: "protocol"},
		{Field: ocsf.ProtocolName, From: "protocol", Convert: protocolName, Copied: true, Note: "own; of the common ones"},
		{Field: ocsf.ProtocolVersionID, From: "type", Convert: protocolVersion, Note: "IPv4 4, IPv6 6; by the address where type is not recorded"},
		{Field: ocsf.DirectionID, From: "flow-direction", Convert: direction, Note: "ingress 1 Inbound, egress 2 Outbound, else 0"},
		{Field: ocsf.BoundaryID, From: "traffic-path", Convert: boundary, Note: "1 Same VPC … 8 Internet Gateway"},
		{Field: ocsf.TCPFlags, From: "tcp-flags"},
		{Field: ocsf.TrafficBytes, From: "bytes"},
		{Field: ocsf.TrafficPackets, From: "packets"},
	},
}).Compile()

// class: an accepted flow is Traffic, a rejected one Refuse, and where nothing flowed or nothing is known, Other.
func class(e *ocsf.Event) (uid, activity int) {
	switch e.Text(at.action) {
	case "ACCEPT":
		return classNetwork, 6
	case "REJECT":
		return classNetwork, 5
	}
	return classNetwork, 99
}

// at are the members that conversions look at beside their own.
var at = struct{ action, direction, src, dst, pktSrc, pktDst ocsf.Path }{
	ocsf.ParsePath("action"), ocsf.ParsePath("flow-direction"), ocsf.ParsePath("srcaddr"), ocsf.ParsePath("dstaddr"), ocsf.ParsePath("pkt-srcaddr"), ocsf.ParsePath("pkt-dstaddr"),
}

func number(s string) ocsf.Value { return ocsf.Value{Kind: ocsf.Number, Str: s} }

func millis(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	seconds := int64(0)
	for i := range len(v.Str) {
		if c := v.Str[i]; c < '0' || c > '9' || i > 11 {
			return ocsf.Value{}
		}
		seconds = seconds*10 + int64(v.Str[i]-'0')
	}
	if seconds == 0 {
		return ocsf.Value{}
	}
	return e.Int(seconds * 1000)
}

func status(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch v.Str {
	case "":
		return ocsf.Value{}
	case "OK":
		return number("1")
	}
	return number("99")
}

func action(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch v.Str {
	case "ACCEPT":
		return number("1")
	case "REJECT":
		return number("2")
	}
	return ocsf.Value{}
}

// address lets through what OCSF takes for an address.
func address(v ocsf.Value) ocsf.Value { return ocsf.OnlyIP(v, nil) }

func packetOr(v ocsf.Value, e *ocsf.Event, packet ocsf.Path) ocsf.Value {
	if p := address(ocsf.Value{Kind: ocsf.String, Str: e.Text(packet)}); p.Str != "" {
		return p
	}
	return address(v)
}

func between(v ocsf.Value, e *ocsf.Event, packet ocsf.Path) ocsf.Value {
	if p := e.Text(packet); p == "" || p == v.Str {
		return ocsf.Value{}
	}
	return address(v)
}

func sourceIP(v ocsf.Value, e *ocsf.Event) ocsf.Value      { return packetOr(v, e, at.pktSrc) }
func destinationIP(v ocsf.Value, e *ocsf.Event) ocsf.Value { return packetOr(v, e, at.pktDst) }
func sourceBetween(v ocsf.Value, e *ocsf.Event) ocsf.Value { return between(v, e, at.pktSrc) }
func destinationBetween(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	return between(v, e, at.pktDst)
}

// side says which end of a flow is the interface that recorded it: 's' the source, 'd' the destination, 0 where that cannot be told.
func side(e *ocsf.Event) byte {
	switch e.Text(at.direction) {
	case "ingress":
		return 'd'
	case "egress":
		return 's'
	}
	src, dst := e.Text(at.src), e.Text(at.dst)
	inside, known := isPrivate(src)
	insideToo, knownToo := isPrivate(dst)
	switch {
	case !known && !knownToo: // nothing flowed
		return 'd'
	case !known || !knownToo || inside == insideToo:
		return 0
	case inside:
		return 's'
	}
	return 'd'
}

func isPrivate(s string) (private, known bool) {
	a, err := netip.ParseAddr(s)
	return err == nil && (a.IsPrivate() || a.IsLinkLocalUnicast()), err == nil
}

func ifSource(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if side(e) != 's' {
		return ocsf.Value{}
	}
	return v
}

func ifDestination(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	if side(e) != 'd' {
		return ocsf.Value{}
	}
	return v
}

// protocols are IANA's numbers of what is common in a VPC.
var protocols = map[string]string{"1": "icmp", "6": "tcp", "17": "udp", "41": "ipv6", "47": "gre", "50": "esp", "58": "ipv6-icmp", "132": "sctp"}

func protocolName(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	return ocsf.Value{Kind: ocsf.String, Str: protocols[v.Str]}
}

func protocolVersion(v ocsf.Value, e *ocsf.Event) ocsf.Value {
	src := e.Text(at.src)
	switch {
	case v.Str == "IPv6", v.Str == "" && strings.IndexByte(src, ':') >= 0:
		return number("6")
	case v.Str == "IPv4", v.Str == "" && src != "":
		return number("4")
	}
	return ocsf.Value{}
}

func direction(v ocsf.Value, _ *ocsf.Event) ocsf.Value {
	switch v.Str {
	case "ingress":
		return number("1")
	case "egress":
		return number("2")
	}
	return number("0")
}

// boundaries give OCSF's boundary_id of traffic-path.
var boundaries = map[string]string{"1": "4", "2": "5", "3": "6", "4": "7", "5": "8", "6": "9", "7": "10", "8": "11"}

func boundary(v ocsf.Value, _ *ocsf.Event) ocsf.Value { return number(boundaries[v.Str]) }
