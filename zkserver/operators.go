package zkserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mwqueue/mw/zkserver/admin"
)

// Operators says where the server tells about itself, beside the four-letter
// words, over HTTP. Addresses that are empty are not served.
type Operators struct {
	// Admin is the address of the AdminServer, and AdminPath where its
	// commands are. Default: /commands.
	Admin     string
	AdminPath string

	// Metrics is the address for Prometheus, which asks at /metrics; with
	// ProcessMetrics it is told about the process and Go, too. It may be that
	// of Admin.
	Metrics        string
	ProcessMetrics bool

	// Idle is how long a connection may be kept without a request. Default:
	// 30s.
	Idle time.Duration
}

// A site is an HTTP server that is not served yet.
type site struct {
	listener net.Listener
	server   *http.Server
}

// openSites takes the addresses.
func (s *Server) openSites() error {
	o := &s.cfg.Operators
	mux := http.NewServeMux()
	if o.Admin != "" {
		mux.Handle("/", admin.Handler(s, o.AdminPath))
		if err := s.openSite(o.Admin, admin.CheckHost(mux, o.Admin)); err != nil {
			return fmt.Errorf("zkserver: AdminServer: %w", err)
		}
		s.adminAddr = s.sites[0].listener.Addr()
	}
	if o.Metrics == "" {
		return nil
	}
	metrics := admin.MetricsHandler(s, o.ProcessMetrics)
	if o.Metrics == o.Admin {
		mux.Handle("/metrics", metrics)
		s.metricsAddr = s.adminAddr
		return nil
	}
	if err := s.openSite(o.Metrics, metrics); err != nil {
		return fmt.Errorf("zkserver: metrics: %w", err)
	}
	s.metricsAddr = s.sites[len(s.sites)-1].listener.Addr()
	return nil
}

func (s *Server) openSite(addr string, h http.Handler) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	s.sites = append(s.sites, site{bound(l, maxSiteConns), &http.Server{
		Handler:           h,
		ReadHeaderTimeout: handshakeTime,
		ReadTimeout:       handshakeTime,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       s.cfg.Operators.Idle,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          httpErrors(inBursts(s.cfg.Log)),
	}})
	return nil
}

// AdminAddr is where the AdminServer is, or nil.
func (s *Server) AdminAddr() net.Addr { return s.adminAddr }

// MetricsAddr is where Prometheus asks, or nil.
func (s *Server) MetricsAddr() net.Addr { return s.metricsAddr }

// serveSites serves HTTP until ctx ends. Clients do not depend on it: a site
// that fails is logged and the server goes on.
func (s *Server) serveSites(ctx context.Context) error {
	var g errgroup.Group
	for _, one := range s.sites {
		stop := context.AfterFunc(ctx, func() { one.server.Close() })
		g.Go(func() error {
			defer stop()
			if err := one.server.Serve(one.listener); !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
				s.log.Error().Err(err).Stringer("addr", one.listener.Addr()).Msg("no more answers to operators")
			}
			return nil
		})
	}
	return g.Wait()
}
