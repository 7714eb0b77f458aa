package health

// Rate is what AWS charges for a format.
type Rate struct {
	PerGB      float64 // USD for each GB (10⁹ bytes) of records, to produce and deliver them
	PerMillion float64 // USD for each million of records
	Note       string
}

// Prices are the rates by format; a format without one costs its storage only.
type Prices struct {
	Storage float64 // USD for each GB and month in the bucket
	Shrink  float64 // compressed bytes in the bucket for each byte of records
	Rates   map[string]Rate
}

// DefaultPrices are list prices of us-east-1, first tier. Sources: aws.amazon.com/cloudwatch/pricing (vended logs to S3, 0.25 USD/GB; to CloudWatch
// Logs 0.50), aws.amazon.com/cloudtrail/pricing (first copy of management events free, data events 0.10 USD per 100,000),
// aws.amazon.com/s3/pricing (0.023 USD/GB-month); as published by November 2026. tocsin.yaml can set others under prices.
func DefaultPrices() Prices {
	vended := Rate{PerGB: 0.25, Note: "vended logs to S3"}
	return Prices{Storage: 0.023, Shrink: 0.1, Rates: map[string]Rate{
		"vpcflow": vended, "resolver": vended, "waf": vended,
		"eksaudit":   {PerGB: 0.5, Note: "vended logs to CloudWatch Logs"},
		"cloudtrail": {Note: "first copy of management events; data events cost 0.10 USD per 100,000 more"},
		"s3access":   {Note: "storage only"},
		"alb":        {Note: "storage only"},
	}}
}

// Price is an estimate of what AWS charges for 30 days of a source's logs at the present volume.
type Price struct {
	Estimate   bool    `json:"estimate"` // always true
	Currency   string  `json:"currency"`
	Deliver    float64 `json:"deliver_per_month"`
	Store      float64 `json:"store_per_month"` // of one month's logs for one month
	Note       string  `json:"note"`
	RatesKnown bool    `json:"rates_known"` // false: at least one of its formats has no rate
}

func (p Prices) of(o *Of) Price {
	out := Price{Estimate: true, Currency: "USD", RatesKnown: true, Note: "list prices without discounts and tiers; see prices in docs/configuration.md"}
	const gb = 1e9
	day := o.PerDay
	out.Store = 30 * day.Bytes * p.Shrink / gb * p.Storage
	total := int64(0)
	for i := range o.Streams {
		total += o.Streams[i].DayBytes
	}
	for i := range o.Streams {
		s := &o.Streams[i]
		rate, known := p.Rates[s.Format]
		out.RatesKnown = out.RatesKnown && known
		if total == 0 {
			continue
		}
		share := float64(s.DayBytes) / float64(total)
		out.Deliver += 30 * share * (day.Bytes/gb*rate.PerGB + day.Records/1e6*rate.PerMillion)
	}
	return out
}
