package admin

import (
	"math"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// MetricsHandler serves what mntr says in Prometheus' text format, at /metrics.
// With process it has metrics of the process and of Go, too.
func MetricsHandler(src Source, process bool) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collector{src})
	if process {
		reg.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector())
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: maxRequests}))
	return mux
}

// collector makes metrics of a report, with the names of the reference's
// PrometheusMetricsProvider.
type collector struct{ src Source }

// Describe describes nothing: the metrics are known when they are collected.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends all metrics.
func (c collector) Collect(to chan<- prometheus.Metric) {
	r := c.src.Report(0)
	if !r.Serving {
		return
	}
	send := func(name string, kind prometheus.ValueType, value float64) {
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, name, nil, nil), kind, value)
	}
	for _, g := range gaugesOf(&r) {
		switch v := g.value(&r).(type) {
		case int64:
			send(g.name, prometheus.GaugeValue, float64(v))
		case float64:
			send(g.name, prometheus.GaugeValue, v)
		}
	}
	for _, name := range counters {
		if r.measured(name) {
			send(name, prometheus.CounterValue, float64(counter(&r, name)))
		}
	}
	for i, names := range [][]string{basicSummaries, summaries} {
		for _, name := range names {
			if r.measured(name) {
				to <- promSummary(name, summary(&r, name), i > 0)
			}
		}
	}
}

// promSummary has the quantiles that the reference's has.
func promSummary(name string, s Summary, all bool) prometheus.Metric {
	parts := []float64{0.5}
	if all {
		parts = append(parts, 0.9, 0.99)
	}
	quantiles := make(map[float64]float64)
	for _, part := range parts {
		quantiles[part] = math.NaN() // of nothing
		if i := slices.IndexFunc(s.Quantiles, func(q Quantile) bool { return q.Part == part }); i >= 0 && s.Count > 0 {
			quantiles[part] = s.Quantiles[i].Value
		}
	}
	return prometheus.MustNewConstSummary(prometheus.NewDesc(name, name, nil, nil), uint64(s.Count), s.Sum, quantiles)
}
