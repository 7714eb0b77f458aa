package detect

import (
	"strconv"

	"github.com/tocsin-security/tocsin/internal/baseline"
	"github.com/tocsin-security/tocsin/internal/enrich"
	"github.com/tocsin-security/tocsin/internal/ocsf"
)

// Observe counts an event in a history, under the handle of its credentials: the origin behind it is known only when
// all is read (History.Renamed).
func Observe(h *baseline.History, e *ocsf.Event, f *enrich.Facts, handle string, id EventID) {
	if handle == "" {
		return
	}
	o := h.Origin(handle)
	h.Event(o, e.Millis)
	for feature := baseline.API; feature <= baseline.Address; feature++ {
		h.Use(o, feature, FeatureValue(feature, e, f), e.Millis, id)
	}
}

// FeatureValue is what an event says of a feature; "" where it says nothing. Only successes make habits: what was
// refused or failed shows nothing of what an origin usually does.
func FeatureValue(feature baseline.Feature, e *ocsf.Event, f *enrich.Facts) string {
	if feature != baseline.Address && f.Outcome() != "success" {
		return ""
	}
	switch feature {
	case baseline.API:
		return e.Str(ocsf.APIServiceName) + ":" + e.Str(ocsf.APIOperation)
	case baseline.Region:
		return e.Str(ocsf.CloudRegion)
	case baseline.Country:
		return f.Place().Country
	case baseline.Network:
		if asn := f.Place().ASN; asn != 0 {
			return strconv.FormatUint(uint64(asn), 10)
		}
	case baseline.Tool:
		return enrich.Tool(e.Str(ocsf.UserAgent))
	case baseline.Address:
		return e.Str(ocsf.SrcIP)
	}
	return ""
}
