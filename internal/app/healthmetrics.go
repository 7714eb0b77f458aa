package app

import (
	"github.com/tocsin-security/tocsin/internal/api"
	"github.com/tocsin-security/tocsin/internal/health"
)

// maxStreamMetrics is how many streams get metrics of their own; where there are more, only sources do.
const maxStreamMetrics = 1000

// healthMetrics are the figures of the last judgement, those of one name together.
func healthMetrics(r health.Report) []api.Metric {
	var out []api.Metric
	family := func(name, help string, each func(add func(value float64, labels ...string))) {
		each(func(value float64, labels ...string) {
			out = append(out, api.Metric{Name: name, Help: help, Type: "gauge", Labels: labels, Value: value})
		})
	}
	sources := func(do func(o *health.Of)) {
		for i := range r.Sources {
			do(&r.Sources[i])
		}
	}
	family("tocsin_source_lag_seconds", "Received minus occurred over the last 24 hours.", func(add func(float64, ...string)) {
		sources(func(o *health.Of) {
			if o.LagP50Seconds != nil && o.LagP95Seconds != nil {
				add(*o.LagP50Seconds, "source", o.Source, "quantile", "0.5")
				add(*o.LagP95Seconds, "source", o.Source, "quantile", "0.95")
			}
		})
	})
	family("tocsin_source_silence_seconds", "Time since the last arrival, while something could come.", func(add func(float64, ...string)) {
		sources(func(o *health.Of) { add(o.SilentSeconds, "source", o.Source) })
	})
	family("tocsin_source_silence_allowed_seconds", "How long a source may be silent.", func(add func(float64, ...string)) {
		sources(func(o *health.Of) { add(o.AllowedSeconds, "source", o.Source) })
	})
	family("tocsin_source_silent", "1 where a source is silent, which is not usual.", func(add func(float64, ...string)) {
		sources(func(o *health.Of) { add(one(o.State == health.Silent), "source", o.Source) })
	})
	family("tocsin_source_volume_ratio", "Records of the last full hour over the median of the same hour of the days before; absent while it is learned.", func(add func(float64, ...string)) {
		sources(func(o *health.Of) {
			if o.Volume.State != health.VolumeLearning {
				add(o.Volume.Ratio, "source", o.Source)
			}
		})
	})
	family("tocsin_source_parsed_ratio", "What of the received records could be read, over the last 24 hours.", func(add func(float64, ...string)) {
		sources(func(o *health.Of) {
			if o.ParseRate != nil {
				add(*o.ParseRate, "source", o.Source)
			}
		})
	})
	family("tocsin_source_records_per_day", "Records received a day, mean of the last seven days.", func(add func(float64, ...string)) {
		sources(func(o *health.Of) { add(o.PerDay.Records, "source", o.Source) })
	})
	family("tocsin_source_bytes_per_day", "Bytes of records received a day, mean of the last seven days.", func(add func(float64, ...string)) {
		sources(func(o *health.Of) { add(o.PerDay.Bytes, "source", o.Source) })
	})
	family("tocsin_source_price_usd_per_month", "Estimate of what AWS charges for 30 days of these logs.", func(add func(float64, ...string)) {
		sources(func(o *health.Of) { add(o.Price.Deliver+o.Price.Store, "source", o.Source) })
	})
	out = append(out, streamMetrics(r)...)
	return append(out, api.Metric{Name: "tocsin_source_troubles", Help: "Open alerts on the health of sources.", Type: "gauge", Value: float64(len(r.Troubles))})
}

// streamMetrics tell of each account and Region.
func streamMetrics(r health.Report) []api.Metric {
	total := 0
	for i := range r.Sources {
		total += len(r.Sources[i].Streams)
	}
	if total > maxStreamMetrics {
		return nil
	}
	var silence, silent, lag []api.Metric
	for i := range r.Sources {
		for k := range r.Sources[i].Streams {
			s := &r.Sources[i].Streams[k]
			labels := []string{"source", s.Source, "format", s.Format, "account", s.Account, "region", s.Region}
			silence = append(silence, api.Metric{Name: "tocsin_stream_silence_seconds", Help: "Time since the last arrival of an account and Region.", Type: "gauge", Labels: labels, Value: s.SilentSeconds})
			silent = append(silent, api.Metric{Name: "tocsin_stream_silent", Help: "1 where an account and Region is silent, which is not usual.", Type: "gauge", Labels: labels, Value: one(s.State == health.Silent)})
			if s.LagP95Seconds != nil {
				lag = append(lag, api.Metric{Name: "tocsin_stream_lag_p95_seconds", Help: "Received minus occurred over the last 24 hours, 95th percentile.", Type: "gauge", Labels: labels, Value: *s.LagP95Seconds})
			}
		}
	}
	return append(append(silence, silent...), lag...)
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
